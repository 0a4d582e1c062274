package stamp

import (
	"strings"
	"time"
)

// set makes a set of words, spelled the simple way.
func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, word := range strings.Fields(strings.ToLower(plain(words))) {
		m[word] = true
	}
	return m
}

// Words between a date and a time of day: English, German, French, Spanish, Catalan, Italian, Dutch, Portuguese,
// Scandinavian, Finnish, Polish, Czech, Russian, Ukrainian, Romanian, Croatian, Turkish, Indonesian, Vietnamese,
// Greek, Hebrew, Arabic, Thai.
var between = set(`at um à a las la les alle ore om às as kl klo klokken klockan kello o godz godzinie v ve в о у об ora u saat saati
	pukul jam pada lúc στις ב בשעה في الساعة เวลา`)

// Words within a date: 22 de noviembre de 2026, November 22nd, 22. listopadu.
var within = set(`de del of den the di d st nd rd th er o г року`)

// months names the months, with what people shorten them to. Left out is what is another month elsewhere
// (listopad is October or November).
var months = func() map[string]int {
	m := make(map[string]int)
	for i, names := range []string{
		`january jan januar jänner janvier janv enero ene gennaio gen januari janeiro января январь янв styczeń stycznia sty
			leden ledna ocak oca tammikuu tammikuuta січня січень ianuarie ιανουαρίου`,
		`february feb februar feber februari février févr fév febrero febbraio fevereiro fev февраля февраль фев luty lutego lut
			únor února şubat şub helmikuu helmikuuta лютого лютий februarie φεβρουαρίου`,
		`march mar mrz märz mär maart mrt mars marzo março марта март мар marzec marca březen března mart maaliskuu maaliskuuta
			березня березень martie μαρτίου`,
		`april apr avril avr abril abr aprile апреля апрель апр kwiecień kwietnia kwi duben dubna nisan nis huhtikuu huhtikuuta
			квітня квітень aprilie απριλίου`,
		`may mai maj mayo maggio mag mei maio мая май maja květen května mayıs toukokuu toukokuuta травня травень μαΐου`,
		`june jun juni juin junio giugno giu junho июня июнь июн czerwiec czerwca cze červen června haziran haz kesäkuu kesäkuuta
			червня червень iunie ιουνίου`,
		`july jul juli juillet juil julio luglio lug julho июля июль июл lipiec lipca lip červenec července temmuz tem heinäkuu
			heinäkuuta липня липень iulie ιουλίου`,
		`august aug août aou agosto ago augustus augusti августа август авг sierpień sierpnia sie srpen srpna ağustos ağu elokuu
			elokuuta серпня серпень αυγούστου`,
		`september sep sept septembre septiembre settembre set septembro setembro сентября сентябрь сен wrzesień września wrz září
			eylül eyl syyskuu syyskuuta вересня вересень septembrie σεπτεμβρίου`,
		`october oct oktober okt octobre octubre ottobre ott outubro out oktober октября октябрь окт październik października
			paź říjen října ekim eki lokakuu lokakuuta жовтня жовтень octombrie οκτωβρίου`,
		`november nov novembre noviembre novembro ноября ноябрь ноя kasım kas marraskuu marraskuuta noiembrie νοεμβρίου listopadu`,
		`december dec dezember dez décembre déc diciembre dic dicembre dezembro desember des декабря декабрь дек grudzień grudnia
			gru prosinec prosince aralık ara joulukuu joulukuuta грудня грудень decembrie δεκεμβρίου`,
	} {
		for word := range set(names) {
			m[word] = i + 1
		}
	}
	return m
}()

// half is a half of the day, or what clocks of twelve hours call a part of it.
type half int

const (
	noHalf half = iota
	morning
	afternoon
)

// halves are written before the time, behind it, or both; dots and a space may stand between their letters.
var halves = []struct {
	word   string
	half   half
	before bool // may stand before the time
}{
	{"am", morning, false}, {"pm", afternoon, false},
	{"上午", morning, true}, {"下午", afternoon, true}, {"凌晨", morning, true}, {"早上", morning, true}, {"清晨", morning, true},
	{"中午", afternoon, true}, {"傍晚", afternoon, true}, {"晚上", afternoon, true},
	{"午前", morning, true}, {"午後", afternoon, true},
	{plain("오전"), morning, true}, {plain("오후"), afternoon, true},
	{"πμ", morning, false}, {"μμ", afternoon, false},
	{"ص", morning, false}, {"م", afternoon, false},
	{plain("öö"), morning, true}, {plain("ös"), afternoon, true},
}

// zones are abbreviations that mean one offset wherever they are used, ahead of UTC.
var zones = func() map[string]time.Duration {
	m := make(map[string]time.Duration)
	for offset, names := range map[time.Duration]string{
		-10 * time.Hour: "HST", -9 * time.Hour: "AKST", -8 * time.Hour: "PST AKDT", -7 * time.Hour: "MST PDT", -6 * time.Hour: "MDT",
		-5 * time.Hour: "EST CDT", -4 * time.Hour: "EDT", -3*time.Hour - 30*time.Minute: "NST", -3 * time.Hour: "BRT ADT",
		-2*time.Hour - 30*time.Minute: "NDT", 0: "WET", time.Hour: "CET MEZ WEST WAT", 2 * time.Hour: "CEST MESZ EET CAT SAST",
		3 * time.Hour: "EEST MSK EAT", 5 * time.Hour: "PKT", 7 * time.Hour: "WIB", 8 * time.Hour: "AWST HKT SGT WITA",
		9 * time.Hour: "JST KST WIT", 9*time.Hour + 30*time.Minute: "ACST", 10 * time.Hour: "AEST", 10*time.Hour + 30*time.Minute: "ACDT",
		11 * time.Hour: "AEDT", 12 * time.Hour: "NZST", 13 * time.Hour: "NZDT",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = offset
		}
	}
	return m
}()

// zoneNamed is the offset of an abbreviation. The user's own zone knows best which of its namesakes is meant.
func zoneNamed(name string, wall time.Time, loc *time.Location) (time.Duration, bool) {
	if len(name) < 3 || len(name) > 5 {
		return 0, false
	}
	if loc != nil {
		for _, month := range []time.Month{wall.Month(), time.January, time.July} {
			short, offset := time.Date(wall.Year(), month, wall.Day(), wall.Hour(), 0, 0, 0, loc).Zone()
			if short == name {
				return time.Duration(offset) * time.Second, true
			}
		}
	}
	offset, ok := zones[name]
	return offset, ok
}

package stamp

import (
	"path"
	"strings"
)

// Words by which synchronisers tell a copy that they could not merge, in their languages.
var conflictWords = strings.Fields(strings.ToLower(plain(`conflict konflikt conflit conflicto conflitto conflito conflicted
	in-conflict 冲突 衝突 競合 충돌 конфликт конфлікт çakış ristirii`)))

// Original returns a file's name, less its extension, without what a synchroniser added when it kept two versions of
// it: the result is the name of the file of which this one is a copy, or the name itself. Known are Syncthing's
// conflicts (.sync-conflict-20261123-091500-ABCDEFG) and versions (~20261123-091500), and the words in brackets of
// Dropbox, Nextcloud, Seafile and their kin, in several languages.
func Original(stem string) string {
	folded := strings.ToLower(stem)
	if i := strings.Index(stem, ".sync-conflict-"); i > 0 {
		return stem[:i]
	}
	if i := strings.LastIndexByte(stem, '~'); i > 0 && isVersion(stem[i+1:]) {
		return stem[:i]
	}
	if i := strings.LastIndex(folded, "_conflict-"); i > 0 && len(folded) == len(stem) && hasDigit(stem[i:]) { // ownCloud
		return stem[:i]
	}
	for i := 0; i < len(stem); i++ {
		if stem[i] != '(' && stem[i] != '[' {
			continue
		}
		end := strings.IndexAny(stem[i:], ")]")
		if end < 0 {
			break
		}
		if inside := strings.ToLower(plain(stem[i : i+end])); mentionsConflict(inside) && i > 0 {
			return strings.TrimRight(stem[:i], " _") + stem[i+end+1:]
		}
	}
	return stem
}

func mentionsConflict(text string) bool {
	for _, word := range conflictWords {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// isVersion tells 20261123-091500.
func isVersion(text string) bool {
	return len(text) == 15 && digitsAt(text, 0) == 8 && text[8] == '-' && digitsAt(text, 9) == 6
}

// CopyOf returns the path of the file of which the one at this path is a conflict copy or an older version; false where
// its name says no such thing.
func CopyOf(name string) (string, bool) {
	dir, base := path.Split(name)
	extension := path.Ext(base)
	stem := strings.TrimSuffix(base, extension)
	original := Original(stem)
	return dir + original + extension, original != stem
}

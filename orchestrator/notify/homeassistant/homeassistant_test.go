package homeassistant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator/notify/homeassistant"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker starts Debian's mosquitto on loopback, which lets in "home" with a password, below the topics that a home has. Where root
// starts it, it stays root: the files are root's.
func broker(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if program = "/usr/sbin/mosquitto"; !exists(program) {
			t.Skip("no mosquitto is installed (CHORTLE_TEST_MOSQUITTO=1 requires it)")
		}
	}
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	port := address[strings.LastIndexByte(address, ':')+1:]
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	passwords := write("passwords", "home:S3cret\n")
	if out, err := exec.Command("mosquitto_passwd", "-U", passwords).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	rules := write("rules", "user home\ntopic readwrite homeassistant/#\ntopic readwrite chortle/#\n")
	config := write("mosquitto.conf", fmt.Sprintf("user root\nlistener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\nacl_file %s\npersistence false\n", port, passwords, rules))
	var log strings.Builder
	command := exec.Command(program, "-c", config)
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for range 500 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return address
		}
		time.Sleep(10 * time.Millisecond) // a process of somebody else's says nothing when it is ready
	}
	t.Fatalf("mosquitto does not listen: %s", &log)
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// seen returns what a new subscriber gets of a broker: what is retained, and what comes while during runs.
func seen(t *testing.T, address string, during func()) (retained, live map[string][]string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var mutex sync.Mutex
	retained, live = map[string][]string{}, map[string][]string{}
	marker := make(chan struct{})
	client := paho.NewClient(paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		mutex.Lock()
		defer mutex.Unlock()
		switch m := p.Packet; {
		case m.Topic == "chortle/marker":
			close(marker)
		case m.Retain:
			retained[m.Topic] = append(retained[m.Topic], string(m.Payload))
		default:
			live[m.Topic] = append(live[m.Topic], string(m.Payload))
		}
		return true, nil
	}}})
	if _, err := client.Connect(t.Context(), &paho.Connect{ClientID: "reader", CleanStart: true, KeepAlive: 60, Username: "home", UsernameFlag: true, Password: []byte("S3cret"), PasswordFlag: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "homeassistant/#", QoS: 1}, {Topic: "chortle/#", QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	during()
	if _, err := client.Publish(t.Context(), &paho.Publish{Topic: "chortle/marker", QoS: 1}); err != nil { // a broker keeps the order
		t.Fatal(err)
	}
	<-marker
	_ = client.Disconnect(&paho.Disconnect{})
	<-client.Done()
	mutex.Lock()
	defer mutex.Unlock()
	return retained, live
}

func home(address string) homeassistant.Home {
	return homeassistant.Home{Broker: "mqtt://home:S3cret@" + address, Discovery: "homeassistant", Topic: "chortle", Page: "https://example.org/laughs", Version: "0.1.0"}
}

func people() []homeassistant.Person {
	start := time.Date(2026, 11, 27, 13, 3, 0, 0, time.UTC)
	return []homeassistant.Person{
		{ID: 1, Name: "alice", Read: true, Day: "2026-11-27", Laughs: 3, Best: 0.8765, BestID: "0k7c3d9xyz", Seconds: 7.2, GoodUntil: time.Date(2026, 11, 28, 0, 0, 0, 0, time.FixedZone("", 3600)),
			New: []homeassistant.Laugh{{ID: "0k7c3d9xyz", Class: "Laughter", Start: start, Seconds: 2.4, Score: 0.8765}}},
		{ID: 12, Name: "bob", Day: "2026-11-27", Problems: []string{"bob, 2026-11-27: the key is refused"}},
	}
}

// TestDevices: what Home Assistant finds when it starts in the middle of the day.
func TestDevices(t *testing.T) {
	t.Parallel()
	address := broker(t)
	h := home(address)
	_, live := seen(t, address, func() {
		if err := h.Publish(t.Context(), people(), nil); err != nil {
			t.Fatal(err)
		}
	})
	if len(live["chortle/1/laugh"]) != 0 {
		t.Error("single laughs were published, and nobody asked for them")
	}
	retained, _ := seen(t, address, func() {})
	if len(retained) != 4 {
		t.Errorf("retained %v", retained)
	}
	var states [2]map[string]any
	for i, id := range []string{"1", "12"} {
		check(t, retained["homeassistant/device/chortle_"+id+"/config"], "chortle_"+id, "chortle/"+id+"/state", false)
		if err := json.Unmarshal([]byte(retained["chortle/"+id+"/state"][0]), &states[i]); err != nil {
			t.Fatal(err)
		}
	}
	if s := states[0]; s["laughs"] != 3.0 || s["best"] != 87.7 || s["seconds"] != 7.2 || s["good_until"] != "2026-11-27T23:00:00Z" || s["problem"] != "OFF" || s["best_url"] != "https://example.org/laughs/l/0k7c3d9xyz" {
		t.Errorf("alice: %v", s)
	}
	if s := states[1]; s["laughs"] != nil || s["best"] != nil || s["good_until"] != nil || s["problem"] != "ON" {
		t.Errorf("bob: %v", s)
	}

	// The next night: bob is gone, and single laughs are wanted.
	h.Events = true
	_, live = seen(t, address, func() {
		if err := h.Publish(t.Context(), people()[:1], []int64{12}); err != nil {
			t.Fatal(err)
		}
	})
	if got := live["chortle/1/laugh"]; len(got) != 1 || !strings.Contains(got[0], `"event_type":"laugh"`) {
		t.Errorf("laughs %q", got)
	}
	retained, _ = seen(t, address, func() {})
	if len(retained) != 2 || retained["homeassistant/device/chortle_12/config"] != nil {
		t.Errorf("retained %v", retained)
	}
	check(t, retained["homeassistant/device/chortle_1/config"], "chortle_1", "chortle/1/state", true)
}

// check holds a discovery message to the rules of Home Assistant's schemas (homeassistant/components/mqtt/schemas.py): a device with
// an identifier, an origin with a name, components that each have a platform, and more only together with a unique id;
// ids of plain characters; units and classes that go together. Nothing makes an entity unavailable.
func check(t *testing.T, messages []string, id, state string, events bool) {
	t.Helper()
	if len(messages) != 1 {
		t.Fatalf("%d messages of %s", len(messages), id)
	}
	var d struct {
		Device     map[string]any            `json:"device"`
		Origin     map[string]any            `json:"origin"`
		StateTopic string                    `json:"state_topic"`
		QoS        *int                      `json:"qos"`
		Components map[string]map[string]any `json:"components"`
	}
	decoder := json.NewDecoder(strings.NewReader(messages[0]))
	decoder.DisallowUnknownFields() // availability and expire_after above all
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	if ids, _ := d.Device["identifiers"].([]any); len(ids) != 1 || ids[0] != id || d.Device["name"] == "" || d.Origin["name"] != "Chortle" || d.StateTopic != state {
		t.Errorf("device %v, origin %v, state %s", d.Device, d.Origin, d.StateTopic)
	}
	if u, _ := d.Device["configuration_url"].(string); !strings.HasPrefix(u, "https://") {
		t.Errorf("configuration_url %q", u)
	}
	plain := regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	known := map[string][]string{
		"sensor":        {"platform", "unique_id", "name", "value_template", "unit_of_measurement", "state_class", "device_class", "icon", "entity_category", "json_attributes_topic", "json_attributes_template"},
		"binary_sensor": {"platform", "unique_id", "name", "value_template", "device_class", "entity_category", "json_attributes_topic", "json_attributes_template"},
		"event":         {"platform", "unique_id", "name", "event_types", "state_topic", "icon"},
	}
	var keys []string
	for key, c := range d.Components {
		keys = append(keys, key)
		platform, _ := c["platform"].(string)
		for field := range c {
			if !slices.Contains(known[platform], field) {
				t.Errorf("%s: %s has no %s", key, platform, field)
			}
		}
		if key == "laugh" && !events {
			if len(c) != 1 {
				t.Errorf("laugh: %v", c)
			}
			continue
		}
		if unique, _ := c["unique_id"].(string); !plain.MatchString(unique) || unique != id+"_"+key || !plain.MatchString(key) {
			t.Errorf("%s: unique_id %q", key, unique)
		}
		switch class := c["device_class"]; {
		case class == "timestamp" && (c["unit_of_measurement"] != nil || c["state_class"] != nil), class == "duration" && c["unit_of_measurement"] != "s",
			class == "problem" && platform != "binary_sensor", c["state_class"] != nil && c["state_class"] != "measurement":
			t.Errorf("%s: %v", key, c)
		}
	}
	slices.Sort(keys)
	if got := strings.Join(keys, " "); got != "best good_until laugh laughs problem seconds" {
		t.Errorf("components %s", got)
	}
}

// TestRefusals: a broker that refuses, stalls or is not there is named, in the time that it is given, without secrets.
func TestRefusals(t *testing.T) {
	t.Parallel()
	address := broker(t)
	wrong, foreign := home(address), home(address)
	wrong.Broker = "mqtt://home:Wr0ng@" + address
	foreign.Topic = "other"
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	stalled, gone, talker := home(silent.Addr().String()), home("127.0.0.1:1"), home(address)
	stalled.Timeout = 300 * time.Millisecond
	talker.Broker = "https://" + address
	for name, c := range map[string]struct {
		home homeassistant.Home
		want string
	}{
		"a wrong password":         {wrong, "refused name and password"},
		"a topic that is not ours": {foreign, "does not let us write there"},
		"a broker that stalls":     {stalled, "did not answer in time"},
		"nobody there":             {gone, "connection refused"},
		"another kind of address":  {talker, "want mqtt://"},
	} {
		err := c.home.Publish(t.Context(), people(), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "S3cret") || strings.Contains(err.Error(), "Wr0ng") {
			t.Errorf("%s: %v", name, err)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := home(address).Publish(canceled, people(), nil); err == nil {
		t.Error("published after its end")
	}
}

// Package homeassistant publishes how the nights went to a home's MQTT broker, in the form that Home Assistant discovers by
// itself: one device a person. All that it publishes is retained but for single laughs, and nothing says that a
// device is unavailable: the program runs once a night, and its last word stays true until the next.
package homeassistant

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/chortle-audio/chortle/orchestrator/notify"
)

// Home is a broker, and what is published there.
type Home struct {
	// Broker is mqtt://USER:PASSWORD@HOST:PORT or mqtts://….
	Broker string
	// Discovery is the topic below which Home Assistant looks; Topic that of our states, and the beginning of every id.
	Discovery, Topic string
	// Events adds an entity for single laughs.
	Events bool
	// Page is the address of the page; empty: unknown. Version is the program's.
	Page, Version string
	// Timeout of all that is published at once; 0 means 15 s.
	Timeout time.Duration
}

// Person is how one person's last night went.
type Person struct {
	ID   int64
	Name string
	// Read says that yesterday was read: the numbers are unknown where it was not.
	Read   bool
	Day    string // yesterday, as YYYY-MM-DD
	Laughs int
	// Best is the best score, 0 to 1; of no use where there are no laughs.
	Best float64
	// BestID is the public id of that laugh.
	BestID  string
	Seconds float64
	// GoodUntil is the end of the last day that was read without failure; zero where there was none.
	GoodUntil time.Time
	// Problems are the alerts that stand.
	Problems []string
	// New are the laughs of this run, in order.
	New []Laugh
}

// Laugh is one laugh as an event.
type Laugh struct {
	ID, Class string
	Start     time.Time
	Seconds   float64
	Score     float64
}

// Publish writes the devices of people and their states, and takes away the devices of those who are gone, by ID. Its
// errors hold no address.
func (h Home) Publish(ctx context.Context, people []Person, gone []int64) error {
	timeout := h.Timeout
	if timeout == 0 {
		timeout = 15 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client, err := h.connect(ctx, timeout)
	if err != nil {
		return err
	}
	defer func() {
		_ = client.Disconnect(&paho.Disconnect{}) // all is acknowledged
		<-client.Done()
	}()
	for _, id := range gone {
		for _, topic := range []string{h.config(id), h.state(id)} {
			if err := put(ctx, client, topic, nil, true); err != nil {
				return err
			}
		}
	}
	for _, p := range people {
		if err := h.tell(ctx, client, p); err != nil {
			return err
		}
	}
	return nil
}

// tell publishes one person: the state before the device, so that a new entity has a value at once.
func (h Home) tell(ctx context.Context, client *paho.Client, p Person) error {
	if err := put(ctx, client, h.state(p.ID), h.stateOf(p), true); err != nil {
		return err
	}
	if err := put(ctx, client, h.config(p.ID), h.deviceOf(p), true); err != nil || !h.Events {
		return err
	}
	for _, laugh := range p.New {
		event := map[string]any{"event_type": "laugh", "id": laugh.ID, "class": laugh.Class, "start": laugh.Start.UTC().Format(time.RFC3339), "seconds": laugh.Seconds, "score": laugh.Score}
		if h.Page != "" {
			event["url"] = h.Page + "/l/" + laugh.ID
		}
		if err := put(ctx, client, h.event(p.ID), event, false); err != nil {
			return err
		}
	}
	return nil
}

func (h Home) id(person int64) string     { return fmt.Sprintf("%s_%d", h.Topic, person) }
func (h Home) state(person int64) string  { return fmt.Sprintf("%s/%d/state", h.Topic, person) }
func (h Home) event(person int64) string  { return fmt.Sprintf("%s/%d/laugh", h.Topic, person) }
func (h Home) config(person int64) string { return h.Discovery + "/device/" + h.id(person) + "/config" }

// stateOf is everything that the sensors show, in one message: what is unknown is null.
func (h Home) stateOf(p Person) map[string]any {
	state := map[string]any{"day": p.Day, "laughs": nil, "best": nil, "seconds": nil, "good_until": nil, "problem": "OFF", "problems": p.Problems, "best_url": nil}
	if p.Problems == nil {
		state["problems"] = []string{}
	}
	if p.Read {
		state["laughs"], state["seconds"] = p.Laughs, p.Seconds
		if p.Laughs > 0 {
			state["best"] = float64(int(p.Best*1000+0.5)) / 10
			if h.Page != "" {
				state["best_url"] = h.Page + "/l/" + p.BestID
			}
		}
	}
	if !p.GoodUntil.IsZero() {
		state["good_until"] = p.GoodUntil.UTC().Format(time.RFC3339)
	}
	if len(p.Problems) > 0 {
		state["problem"] = "ON"
	}
	return state
}

// deviceOf is the discovery message of a person: one device with its entities.
func (h Home) deviceOf(p Person) map[string]any {
	id := h.id(p.ID)
	entity := func(platform, key, name string, more map[string]any) map[string]any {
		e := map[string]any{"platform": platform, "unique_id": id + "_" + key, "name": name, "value_template": "{{ value_json." + key + " }}"}
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	entities := map[string]any{
		"laughs": entity("sensor", "laughs", "Laughs yesterday", map[string]any{"unit_of_measurement": "laughs", "state_class": "measurement", "icon": "mdi:emoticon-lol-outline",
			"json_attributes_topic": h.state(p.ID), "json_attributes_template": "{{ {'day': value_json.day} | tojson }}"}),
		"best": entity("sensor", "best", "Best laugh yesterday", map[string]any{"unit_of_measurement": "%", "state_class": "measurement", "icon": "mdi:trophy-outline",
			"json_attributes_topic": h.state(p.ID), "json_attributes_template": "{{ {'url': value_json.best_url} | tojson }}"}),
		"seconds":    entity("sensor", "seconds", "Laughed yesterday", map[string]any{"unit_of_measurement": "s", "device_class": "duration", "state_class": "measurement"}),
		"good_until": entity("sensor", "good_until", "Read until", map[string]any{"device_class": "timestamp", "entity_category": "diagnostic"}),
		"problem": entity("binary_sensor", "problem", "Problem", map[string]any{"device_class": "problem", "entity_category": "diagnostic",
			"json_attributes_topic": h.state(p.ID), "json_attributes_template": "{{ {'problems': value_json.problems} | tojson }}"}),
		"laugh": map[string]any{"platform": "event"}, // only a platform: the entity goes, where there was one
	}
	if h.Events {
		entities["laugh"] = map[string]any{"platform": "event", "unique_id": id + "_laugh", "name": "Laugh", "event_types": []string{"laugh"}, "state_topic": h.event(p.ID),
			"icon": "mdi:emoticon-lol"}
	}
	device := map[string]any{"identifiers": []string{id}, "name": "Laughs of " + p.Name, "manufacturer": "Chortle", "model": "Chortle", "sw_version": h.Version}
	if h.Page != "" {
		device["configuration_url"] = h.Page + "/u/" + p.Name
	}
	return map[string]any{"device": device, "origin": map[string]any{"name": "Chortle", "sw_version": h.Version}, "state_topic": h.state(p.ID), "qos": 1, "components": entities}
}

// put publishes one message and waits until the broker has it; a nil content is the empty message, which takes away a
// retained one.
func put(ctx context.Context, client *paho.Client, topic string, content map[string]any, retain bool) error {
	var payload []byte
	if content != nil {
		var err error
		if payload, err = json.Marshal(content); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	answer, err := client.Publish(ctx, &paho.Publish{QoS: 1, Retain: retain, Topic: topic, Payload: payload})
	switch {
	case answer != nil && answer.ReasonCode >= packets.PubackUnspecifiedError:
		return fmt.Errorf("publish: the broker does not let us write there (reason 0x%02X)", answer.ReasonCode)
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return errors.New("publish: the broker did not answer in time")
	case err != nil:
		return errors.New("publish: the connection to the broker broke")
	}
	return nil
}

// connect opens a session that leaves nothing behind.
func (h Home) connect(ctx context.Context, timeout time.Duration) (*paho.Client, error) {
	address, err := url.Parse(h.Broker)
	if err != nil || address.Hostname() == "" || address.Scheme != "mqtt" && address.Scheme != "mqtts" {
		return nil, errors.New("connect to broker: want mqtt://HOST:PORT or mqtts://…")
	}
	port := address.Port()
	if port == "" {
		port = map[string]string{"mqtt": "1883", "mqtts": "8883"}[address.Scheme]
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(address.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("connect to broker: %s", notify.Cause(err))
	}
	if address.Scheme == "mqtts" {
		encrypted := tls.Client(conn, &tls.Config{ServerName: address.Hostname(), MinVersion: tls.VersionTLS12})
		if err := encrypted.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("connect to broker: %s", notify.Cause(err))
		}
		conn = packets.NewThreadSafeConn(encrypted)
	}
	const window = 16 // of unanswered messages that may come to us: none do
	receive := uint16(window)
	client := paho.NewClient(paho.ClientConfig{Conn: conn, PacketTimeout: timeout})
	request := &paho.Connect{ClientID: h.Topic + "-" + rand.Text()[:8], CleanStart: true, KeepAlive: 60, Properties: &paho.ConnectProperties{ReceiveMaximum: &receive}}
	if user := address.User; user != nil {
		password, has := user.Password()
		request.Username, request.UsernameFlag = user.Username(), true
		request.Password, request.PasswordFlag = []byte(password), has
	}
	answer, err := client.Connect(ctx, request)
	switch {
	case err == nil:
		return client, nil
	case answer != nil && (answer.ReasonCode == packets.ConnackBadUsernameOrPassword || answer.ReasonCode == packets.ConnackNotAuthorized):
		return nil, errors.New("connect to broker: it refused name and password")
	case answer != nil && answer.ReasonCode >= packets.ConnackUnspecifiedError:
		return nil, fmt.Errorf("connect to broker: it refused (reason 0x%02X)", answer.ReasonCode)
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("connect to broker: it did not answer in time")
	}
	return nil, errors.New("connect to broker: it does not speak MQTT 5, or closed the connection")
}

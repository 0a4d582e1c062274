package settings

import (
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// Letters say how digests go out, and what a home hears of the nights.
type Letters struct {
	// MailServer is an address of SMTP, smtp:// or smtps://, that may hold a password; empty means that no mail is sent.
	MailServer string
	// MailFrom is the sender of mail.
	MailFrom string
	// MaxAttached bounds the sounds of one letter together, in bytes; 0 means that none go with it.
	MaxAttached int64
	// Broker is an address of MQTT, mqtt:// or mqtts://, that may hold a password; empty means that nothing is published.
	Broker string
	// Discovery is the topic below which Home Assistant looks for devices; Topic that of our own states.
	Discovery, Topic string
	// LaughEvents has every new laugh published, not only the sums.
	LaughEvents bool
}

// letterTable holds the settings of digests and of the home's broker.
var letterTable = []Definition{
	{Name: "CHORTLE_SMTP_URL", Secret: true, Hidden: true, Help: "server that sends digests by mail: smtp://USER:PASSWORD@HOST:PORT (STARTTLS, port 587) or smtps://… (TLS, port 465); empty: none",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.Letters.MailServer = v
			return server(v, "want smtp://USER:PASSWORD@HOST:PORT or smtps://…", "smtp", "smtps")
		}},
	{Name: "CHORTLE_MAIL_FROM", Help: "sender of digests, such as chortle@example.org; needed for mail",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if _, err := mail.ParseAddress(v); v != "" && err != nil {
				return errors.New("want an address such as chortle@example.org")
			}
			if v == "" && s.Config.Letters.MailServer != "" {
				return errors.New("a mail server is named: set the sender too")
			}
			s.Config.Letters.MailFrom = v
			return nil
		}},
	{Name: "CHORTLE_DIGEST_ATTACH", Help: "the most that the sounds of one digest may have together, such as 5MB; 0: none are attached",
		fallback: fixed("5MB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Letters.MaxAttached, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_MQTT_URL", Secret: true, Hidden: true, Help: "broker of a home that hears how the nights went: mqtt://USER:PASSWORD@HOST:PORT (1883) or mqtts://… (8883); empty: none",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.Letters.Broker = v
			return server(v, "want mqtt://USER:PASSWORD@HOST:PORT or mqtts://…", "mqtt", "mqtts")
		}},
	{Name: "CHORTLE_MQTT_DISCOVERY", Help: "topic below which Home Assistant looks for devices",
		fallback: fixed("homeassistant"),
		set:      func(s *Settings, v string) error { return topic(v, &s.Config.Letters.Discovery) }},
	{Name: "CHORTLE_MQTT_TOPIC", Help: "topic of our own states, and the beginning of every device's id; another for each installation on one broker",
		fallback: fixed("chortle"),
		set:      func(s *Settings, v string) error { return topic(v, &s.Config.Letters.Topic) }},
	{Name: "CHORTLE_MQTT_LAUGHS", Help: "publish every new laugh as an event: on or off",
		fallback: fixed("off"),
		set: func(s *Settings, v string) error {
			s.Config.Letters.LaughEvents = v == "on"
			var word string
			return oneOf(v, &word, "on", "off")
		}},
}

// server accepts an address with a host, and no path. Its error holds nothing of the address.
func server(text, want string, schemes ...string) error {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) || strings.Trim(u.Path, "/") != "") {
		return errors.New(want + "; a character of the password may have to be written as %XX")
	}
	return nil
}

// topic accepts one level of a topic, of characters that are also good for ids.
func topic(text string, to *string) error {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return errors.New("want letters, digits, - and _")
	}
	*to = text
	return nil
}

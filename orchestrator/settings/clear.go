package settings

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// isLoopback tells whether a host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Exposed lists what the settings send over a network where others could read or change it, each with its remedy.
func (c *Config) Exposed() (found []Exposure) {
	if ping, err := url.Parse(c.Alerts.PingURL); err == nil && ping.Scheme == "http" && !isLoopback(ping.Hostname()) {
		found = append(found, Exposure{"CHORTLE_PING_URL", "pings, with the end of the log, go over the network in clear text", "use https"})
	}
	base, err := url.Parse(c.DatabaseURL)
	if err != nil || !strings.HasPrefix(base.Scheme, "postgres") {
		return found
	}
	host := base.Hostname()
	if named := base.Query().Get("host"); named != "" {
		host = named
	}
	if host == "" || strings.HasPrefix(host, "/") || isLoopback(host) {
		return found
	}
	switch mode := base.Query().Get("sslmode"); mode {
	case "verify-full":
	case "verify-ca", "require":
		found = append(found, Exposure{"CHORTLE_DATABASE_URL", fmt.Sprintf("sslmode=%s does not check that the server is %s", mode, host), "add sslmode=verify-full and sslrootcert"})
	default:
		found = append(found, Exposure{"CHORTLE_DATABASE_URL", "the database is on another machine, and may be spoken to in clear text", "add sslmode=verify-full and sslrootcert"})
	}
	return found
}

// Exposure is something that the settings send where others could read or change it.
type Exposure struct{ Setting, What, Remedy string }

// passwordInArguments warns of a password in a flag: every user of the machine can read the arguments of processes.
func (s *Settings) passwordInArguments(flags map[string]string) {
	for name, value := range flags {
		if base, err := url.Parse(value); err == nil && base.User != nil {
			if _, has := base.User.Password(); has {
				s.Warnings = append(s.Warnings, fmt.Sprintf("a password is in the arguments of this command, where every user of this machine can read it (ps); set %s, or %s_FILE, in the settings file", name, name))
			}
		}
	}
}

// Package handshake holds what the orchestrator and a model's process must agree on before the first
// gRPC call. It is the only code, beside the generated, that both sides import.
package handshake

const (
	// ProtocolVersion is the version of go-plugin's application protocol: it changes only when
	// chortle.inference.v1 is replaced.
	ProtocolVersion = 1
	// CookieKey names the variable that tells a plugin that an orchestrator started it.
	CookieKey = "CHORTLE_PLUGIN"
	// CookieValue is the value of that variable; it is no secret.
	CookieValue = "finds-the-laughter-in-a-day"
	// PluginName is the name under which the model is dispensed.
	PluginName = "inference"

	// MaxMessageBytes bounds one gRPC message in either direction: four MiB of samples and what
	// wraps them.
	MaxMessageBytes = 4<<20 + 64<<10
)

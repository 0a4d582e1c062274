// Command inferd scores sound with YAMNet: an orchestrator starts it, or a person by "inferd serve".
package main

import (
	"context"
	"os"

	"github.com/chortle-audio/chortle/inferd/serve"
	"github.com/chortle-audio/chortle/internal/footprint"
)

func main() {
	footprint.Start()
	os.Exit(serve.Run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

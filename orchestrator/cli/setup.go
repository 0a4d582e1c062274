package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/internal/artifacts/fetch"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/service/setup"
)

type setupDocument struct {
	ExitCode int            `json:"exit_code"`
	Parts    []partDocument `json:"parts"`
}

type partDocument struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Path     string `json:"path"`
	Source   string `json:"source"`
	Note     string `json:"note"`
	Error    string `json:"error"`
	Required bool   `json:"required"`
}

func (a *app) setupCommand() *cobra.Command {
	var asJSON, quiet, check, withoutFFmpeg bool
	cmd := &cobra.Command{
		Use: "setup", Short: "Fetch and check what is needed: model, libraries, ffmpeg",
		Long: `Checks the model, TensorFlow Lite, libopus and ffmpeg by their SHA-256, and fetches what is missing or damaged.
Where all of it is there, nothing goes over the network. An interrupted download is resumed.

Files come from --mirror, if one is named: a folder or an address that holds them. Else the model comes from its public
addresses and the libraries come out of Python wheels, by pip (python3-pip) or from the package index PIP_INDEX_URL.

Exit code: 0 where all that is required is there, else 1.`,
		Example: `  orchestrator setup
  orchestrator setup --mirror /mnt/usb/chortle   # without network
  orchestrator setup --check`,
		Args: noArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&check, "check", false, "fetch nothing, only say what is missing or damaged")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "print only what was fetched and what is missing")
	cmd.Flags().BoolVar(&withoutFFmpeg, "without-ffmpeg", false, "do not fetch ffmpeg: only Ogg Opus can be read then")
	bind(cmd.Flags(), "CHORTLE_MIRROR")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		parts, err := a.setUp(cmd.Context(), check, withoutFFmpeg)
		if err != nil && !errors.Is(err, setup.ErrIncomplete) {
			return err
		}
		code := orchestrator.ExitOK
		if err != nil {
			code = orchestrator.ExitFailed
		}
		if asJSON {
			document := setupDocument{ExitCode: code, Parts: []partDocument{}}
			for _, part := range parts {
				document.Parts = append(document.Parts, documentOfPart(part))
			}
			if err := a.writeJSON(document); err != nil {
				return err
			}
			return exit(code)
		}
		if err := a.reportParts(parts, quiet); err != nil {
			return err
		}
		return exit(code)
	}
	return cmd
}

func documentOfPart(part setup.Part) partDocument {
	document := partDocument{Name: part.Name, State: string(part.State), Path: part.Path, Source: part.Source, Note: part.Note, Required: part.Required}
	if part.Err != nil {
		document.Error = part.Err.Error()
	}
	return document
}

// setUp runs a set-up and shows how far it is.
func (a *app) setUp(ctx context.Context, check, withoutFFmpeg bool) ([]setup.Part, error) {
	shown := fetchProgress{screen: a.stderr, now: a.now}
	s := setup.Setup{Settings: a.settings, CheckOnly: check, WithoutFFmpeg: withoutFFmpeg, Progress: shown.show,
		Waiting: func() { fmt.Fprintln(a.stderr, "waiting for another setup to end") }}
	parts, err := s.Run(ctx)
	a.stderr.SetStatus("")
	return parts, err
}

// fetchProgress shows a fetch: one line when it begins, and a bar at a terminal.
type fetchProgress struct {
	screen *terminal.Screen
	now    func() time.Time
	begun  string
	drawn  time.Time
}

func (f *fetchProgress) show(p fetch.Progress) {
	if begun := p.Title + "\n" + p.Source; f.begun != begun {
		f.begun = begun
		fmt.Fprintf(f.screen, "fetching %s, %s, from %s\n", p.Title, megabytes(p.Total)+" MB", terminal.Printable(p.Source))
	}
	now := f.now()
	if !f.screen.Terminal || p.Done == 0 || now.Sub(f.drawn) < refresh {
		return
	}
	f.drawn = now
	f.screen.SetStatus(fmt.Sprintf("%s  %s  %s of %s MB", p.Title, bar(p.Done, p.Total), megabytes(p.Done), megabytes(p.Total)))
}

func (a *app) reportParts(parts []setup.Part, quiet bool) error {
	table := terminal.NewTable("part", "", "where it is")
	missing := false
	for _, part := range parts {
		state := a.stdout.Green(string(part.State))
		if part.State == setup.Missing {
			missing = true
			if state = a.stdout.Yellow(string(part.State)); part.Required {
				state = a.stdout.Red(string(part.State))
			}
		}
		where := terminal.Printable(part.Path)
		if part.State == setup.Missing {
			where = ""
		}
		if part.Note != "" && where != "" {
			where += ", "
		}
		table.Add(part.Title, state, where+part.Note)
	}
	if !quiet {
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
	}
	for _, part := range parts {
		switch {
		case part.Err != nil:
			fmt.Fprintf(a.stderr, "%s %v\n", a.stderr.Red("setup:"), part.Err)
			if quiet && part.Note != "" {
				fmt.Fprintf(a.stderr, "%s %s\n", a.stderr.Red("setup:"), part.Note)
			}
		case quiet && part.State == setup.Fetched:
			fmt.Fprintf(a.stdout, "setup: fetched %s from %s\n", part.Title, terminal.Printable(part.Source))
		}
	}
	if !missing && !quiet {
		fmt.Fprintln(a.stdout, "Everything is there.")
	}
	return nil
}

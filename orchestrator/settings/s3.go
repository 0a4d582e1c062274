package settings

import (
	"errors"
	"net/url"
	"strings"
)

// S3 says which store the bucket of the clips is in. See the package clips/s3.
type S3 struct {
	// Endpoint is the store's address; empty for AWS. Region may be empty.
	Endpoint, Region string
	// AccessKey and SecretKey; empty for the usual chain: AWS_… of the environment, ~/.aws, the machine's role.
	AccessKey, SecretKey string
	// PathStyle puts the bucket into the path of every address.
	PathStyle bool
	// CAFile is a PEM file of authorities; empty for the system's.
	CAFile string
	// Encryption is "", "AES256" or "aws:kms:KEY".
	Encryption string
}

// s3Table holds the settings of a store of clips.
var s3Table = []Definition{
	{Name: "CHORTLE_S3_ENDPOINT", Help: "address of the S3 store, such as https://s3.example.org; empty: AWS",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			u, err := url.Parse(v)
			if v != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil) {
				return errors.New("want https:// with a host and nothing behind it")
			}
			s.Config.S3.Endpoint = strings.TrimRight(v, "/")
			return nil
		}},
	{Name: "CHORTLE_S3_REGION", Help: "region of the bucket; empty: the store says it",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { s.Config.S3.Region = v; return nil }},
	{Name: "CHORTLE_S3_ACCESS_KEY", Help: "id of the key for the store; empty: AWS_ACCESS_KEY_ID, ~/.aws/credentials or the role of the machine",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { s.Config.S3.AccessKey = v; return nil }},
	{Name: "CHORTLE_S3_SECRET_KEY", Secret: true, Hidden: true, Help: "secret of the key for the store",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.S3.SecretKey = v
			if (v == "") != (s.Config.S3.AccessKey == "") {
				return errors.New("goes with CHORTLE_S3_ACCESS_KEY: set both, or none")
			}
			return nil
		}},
	{Name: "CHORTLE_S3_PATH_STYLE", Help: "on: the bucket stands in the path of an address, never in the name of the host; auto: as the store's kind wants it",
		fallback: fixed("auto"),
		set: func(s *Settings, v string) error {
			var word string
			err := oneOf(v, &word, "auto", "on")
			s.Config.S3.PathStyle = word == "on"
			return err
		}},
	{Name: "CHORTLE_S3_CA_FILE", Help: "PEM file of authorities that the store's certificate may be of, beside the system's",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.S3.CAFile) }},
	{Name: "CHORTLE_S3_ENCRYPTION", Help: "what the store is asked to encrypt clips by: AES256, or aws:kms:KEY; empty: what the bucket says",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if v != "" && v != "AES256" && (!strings.HasPrefix(v, "aws:kms:") || v == "aws:kms:") {
				return errors.New("want AES256 or aws:kms:KEY")
			}
			s.Config.S3.Encryption = v
			return nil
		}},
}

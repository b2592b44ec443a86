package filedump

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lpexport/archive"
)

// Settings are the dialect of FileDump XML that an archive reads. They are
// frozen as JSON in the head of each bundle, so a field is never renamed.
type Settings struct {
	File        string   `json:"file"`        // name of the XML file, such as actiance_export.xml
	TimeUnit    string   `json:"time_unit"`   // "ms" or "s"
	Order       string   `json:"order"`       // of elements: "mattermost", "microsoft" or "vendor"
	Status      string   `json:"status"`      // of finished file transfers: "Completed" or "completed"; of failed ones in the same case
	Base64      bool     `json:"base64"`      // Base64Content beside Content
	Perspective string   `json:"perspective"` // a template: {account}, {conversation}, {slice}, {skill}, {skill_id}
	Internal    []string `json:"internal"`    // domains of the firm, with those below them, lower case: who is internal
	Separator   string   `json:"separator"`   // in paths of files that are not delivered: "/" or "\"; "": "/"
	System      string   `json:"system"`      // LoginName of the notes; "": "LivePerson"
}

// defaultSystem is who writes the notes where Settings.System is "".
const defaultSystem = "LivePerson"

// failed is the status of a transfer whose file is not in the delivery, in the
// case of Status.
func (s *Settings) failed() string {
	if s.Status == "completed" {
		return "failed"
	}
	return "Failed"
}

// check returns everything that is wrong, joined; each is an *archive.SettingError.
func (s *Settings) check() error {
	var all []error
	field := func(name string, err error) {
		if err != nil {
			all = append(all, &archive.SettingError{Format: "filedump", Field: name, Err: err})
		}
	}
	field("file", checkFile(s.File))
	field("time_unit", oneOf(s.TimeUnit, "ms", "s"))
	field("order", oneOf(s.Order, "mattermost", "microsoft", "vendor"))
	field("status", oneOf(s.Status, "Completed", "completed"))
	field("perspective", checkPerspective(s.Perspective))
	if dialects[s.Order].tellsInternal() && len(s.Internal) == 0 {
		field("internal", errors.New("must name the firm's domains: InternalFlag depends on them"))
	}
	for _, d := range s.Internal {
		if !isDomain(d) {
			field("internal", fmt.Errorf("%q is not a domain in lower case", d))
		}
	}
	field("separator", oneOf(s.Separator, "", "/", `\`))
	if len(s.System) > 254 || !utf8.ValidString(s.System) {
		field("system", errors.New("must be UTF-8 of at most 254 bytes"))
	}
	return errors.Join(all...)
}

func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("must be one of %q, not %q", allowed, value)
}

// checkFile takes names that file systems, shells and zip files take as they are.
func checkFile(name string) error {
	stem, isXML := strings.CutSuffix(name, ".xml")
	unsafe := strings.IndexFunc(stem, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@+=", r)
	})
	if !isXML || stem == "" || len(stem) > 100 || unsafe >= 0 || stem[0] == '.' || stem[0] == '-' {
		return errors.New(`must be a file name such as actiance_export.xml: letters, digits and "-_.@+="`)
	}
	return nil
}

func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		bad := strings.IndexFunc(label, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
		if label == "" || bad >= 0 {
			return false
		}
	}
	return true
}

var errTemplate = errors.New("may hold {account}, {conversation}, {slice}, {skill} and {skill_id}, and no other brace")

func checkPerspective(template string) error {
	if !utf8.ValidString(template) || len(template) > 1000 {
		return errors.New("must be UTF-8 of at most 1000 bytes")
	}
	if strings.ContainsAny(expand(template, new(archive.Slice)), "{}") {
		return errTemplate
	}
	return nil
}

// expand fills in a template. Spaces at the ends, where a value is empty, are
// left out.
func expand(template string, s *archive.Slice) string {
	return strings.TrimSpace(strings.NewReplacer(
		"{account}", s.Account,
		"{conversation}", s.Conversation,
		"{slice}", strconv.Itoa(s.Number),
		"{skill}", s.Skill.Name,
		"{skill_id}", s.Skill.ID,
	).Replace(template))
}

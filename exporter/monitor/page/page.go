// Package page draws the status page: what a compliance admin has to know at
// night, at one look, in plain words and without a script.
//
// It is a pure function of an Overview. Everything in one may come from far sides
// and is taken for hostile: it is cut, made printable and escaped where it goes.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"time"

	"lpexport/exporter"
)

//go:embed page.html
var source string

//go:embed style.css
var style string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"monthHigh": func() int { return monthHigh },
	"cellSize":  func() int { return cellSize },
	"chartWide": func() int { return chartWide },
	"chartHigh": func() int { return chartHigh },
}).Parse(source))

// Policy is the Content-Security-Policy that the page is written for: it loads
// nothing, runs nothing, and has one style sheet, which the hash names.
var Policy = "default-src 'none'; style-src 'sha256-" + hash(style) + "'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Settings of a page.
type Settings struct {
	Commands func(string) string // completes a command that is shown, so that it can be pasted
	Behind   time.Duration       // the lag of capture from which on it is wrong
}

// Write draws an Overview, which it does not change.
func (s Settings) Write(w io.Writer, o *exporter.Overview) error {
	return pages.ExecuteTemplate(w, "status", s.view(o))
}

// WriteFault draws the page that stands where the state cannot be read.
func (s Settings) WriteFault(w io.Writer, now time.Time) error {
	return pages.ExecuteTemplate(w, "fault", view{
		Style: template.CSS(style), At: at(now, now),
		Head: finding{bad, "The state cannot be read. The log tells why.", s.Commands("lpexport status")},
	})
}

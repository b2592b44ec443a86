package exporter

import (
	"errors"
	"regexp"
	"sync"
	"syscall"
)

// news remembers what the log was told of things that last, so that a process
// that runs for months tells when something changes and not at every look.
type news struct {
	mu    sync.Mutex
	about map[string]string
}

// is tells whether text is another one than was told about a thing before, ""
// being that all is well.
func (n *news) is(about, text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.about == nil {
		n.about = map[string]string{}
	}
	if n.about[about] == text {
		return false
	}
	if n.about[about] = text; text == "" {
		delete(n.about, about)
	}
	return true
}

// textOf is what an error says; "" for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// newsOf is textOf without what changes while nothing else does: when an unavailable
// LivePerson is asked again, what it was that it did not answer, and the ports of this side.
func newsOf(err error) string {
	switch {
	case isUnavailable(err):
		return "unavailable"
	case errors.Is(err, syscall.ENOSPC): // whatever was to be written
		return "disk full"
	}
	return sameTrouble(textOf(err))
}

// localEnd is this side of a connection as errors of the network name it: it has another
// port each time.
var localEnd = regexp.MustCompile(`\S+:[0-9]+->`)

// sameTrouble is a text by which a trouble that lasts is known again.
func sameTrouble(text string) string { return localEnd.ReplaceAllString(text, "") }

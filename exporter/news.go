package exporter

import "sync"

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

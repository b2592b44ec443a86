package config

import (
	"fmt"
	"log/slog"
)

const redacted = "redacted"

// Secret is a text that only Reveal gives away: every verb of fmt, JSON, YAML
// and slog print it as "redacted". The zero Secret is empty.
type Secret struct {
	// A pointer, because fmt cannot call Format on a Secret in an unexported
	// field: it then prints an address instead of the text.
	text *string
}

// NewSecret keeps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty says that there is no text.
func (s Secret) Empty() bool { return s.text == nil }

// Equal says that both hold the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

func (Secret) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }
func (Secret) String() string                 { return redacted }
func (Secret) GoString() string               { return redacted }
func (Secret) MarshalText() ([]byte, error)   { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value           { return slog.StringValue(redacted) }

package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const word = "hunter2"
	secret := NewSecret(word)
	type hidden struct{ inner Secret }
	values := []any{secret, &secret, []Secret{secret}, map[string]Secret{"k": secret}, struct{ S Secret }{secret}, hidden{secret}, OAuth2{"i", secret}}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, word) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", word)) {
				t.Errorf("%s of %T prints %q", verb, value, got)
			}
		}
		if got, err := json.Marshal(value); err != nil || bytes.Contains(got, []byte(word)) {
			t.Errorf("JSON of %T: %s, %v", value, got, err)
		}
		if got, err := yaml.Marshal(value); err != nil || bytes.Contains(got, []byte(word)) {
			t.Errorf("YAML of %T: %s, %v", value, got, err)
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var out bytes.Buffer
			slog.New(handler(&out)).Info("m", "k", value)
			if strings.Contains(out.String(), word) {
				t.Errorf("slog of %T: %s", value, out.String())
			}
		}
	}
	if got := fmt.Sprint(secret); got != redacted {
		t.Errorf("got %q", got)
	}
	if secret.Reveal() != word || secret.Empty() || !NewSecret("").Empty() || !secret.Equal(NewSecret(word)) {
		t.Error("a secret lost its text")
	}
}

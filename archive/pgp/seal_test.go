package pgp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/pgp"
)

var _ archive.Seal = pgp.Sealed{}

// fields returns a seal as the checkpoint has it.
func fields(t testing.TB, s pgp.Sealed) map[string]any {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func pkesk(t testing.TB, s pgp.Sealed) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(fields(t, s)["pkesk"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFrozenSealEncryptsTheSame(t *testing.T) {
	key := newKey(t, elliptic)
	seal := sealFor(t, key)
	data, err := json.Marshal(struct{ Seal pgp.Sealed }{seal})
	if err != nil {
		t.Fatal(err)
	}
	var thawed struct{ Seal pgp.Sealed }
	if err := json.Unmarshal(data, &thawed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encrypt(t, seal, "a.eml", noise(1000)), encrypt(t, thawed.Seal, "a.eml", noise(1000))) {
		t.Error("thawed, the seal gives other bytes")
	}
	want := fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)
	if got := thawed.Seal.Fingerprints(); len(got) != 1 || got[0] != want {
		t.Errorf("it is for %v, want %v", got, want)
	}
}

func TestNoSealIsNull(t *testing.T) {
	data, err := json.Marshal(pgp.Sealed{})
	if err != nil || string(data) != "null" {
		t.Errorf("%s, %v", data, err)
	}
	var s pgp.Sealed
	if err := json.Unmarshal(data, &s); err != nil || !s.IsZero() || len(s.Fingerprints()) != 0 {
		t.Errorf("null reads as %+v, %v", s.Fingerprints(), err)
	}
	data, err = json.Marshal(struct {
		Seal pgp.Sealed `json:"seal,omitzero"`
	}{})
	if err != nil || string(data) != "{}" {
		t.Errorf("%s, %v", data, err)
	}
}

// A checkpoint with one wrong bit in a session key would deliver bundles that
// nobody can open.
func TestDamagedSealIsRefused(t *testing.T) {
	seal := sealFor(t, newKey(t, elliptic))
	for name := range fields(t, seal) {
		for what, change := range map[string]func(any) any{
			"gone":   func(any) any { return nil },
			"other":  other,
			"longer": longer,
		} {
			f := fields(t, seal)
			if f[name] = change(f[name]); f[name] == nil {
				delete(f, name)
			}
			data, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			var s pgp.Sealed
			err = json.Unmarshal(data, &s)
			if err == nil {
				t.Errorf("%s %s: taken", name, what)
			} else if strings.Contains(err.Error(), fmt.Sprint(f["session_key"])) {
				t.Errorf("%s %s: the session key is in the error", name, what)
			}
		}
	}
	for _, data := range []string{`""`, `7`, `[]`, `{}`, `{"version":"` + fmt.Sprint(fields(t, seal)["session_key"]) + `"}`} {
		var s pgp.Sealed
		if err := json.Unmarshal([]byte(data), &s); err == nil {
			t.Errorf("%s: taken", data)
		} else if strings.Contains(err.Error(), fmt.Sprint(fields(t, seal)["session_key"])) {
			t.Errorf("the error repeats what was read: %v", err)
		}
	}
}

// other returns a value of the same shape that differs a little.
func other(v any) any {
	switch v := v.(type) {
	case float64:
		return v + 1
	case string:
		b := []byte(v)
		b[len(b)/2] ^= 1 // of Base64 and of words: another letter, mostly
		return string(b)
	case []any:
		return []any{other(v[0])}
	}
	return nil
}

func longer(v any) any {
	switch v := v.(type) {
	case float64:
		return v * 10
	case string:
		return v + v
	case []any:
		return append(v, v...)
	}
	return nil
}

func TestSealIsNeverPrinted(t *testing.T) {
	seal := sealFor(t, newKey(t, elliptic))
	key := fields(t, seal)["session_key"].(string)
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{seal, &seal, []pgp.Sealed{seal}, struct{ S pgp.Sealed }{seal}, struct{ s pgp.Sealed }{seal}} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("cut", "seal", seal)
	slog.New(slog.NewTextHandler(&out, nil)).Info("cut", "seal", seal, "in", struct{ s pgp.Sealed }{seal})
	for _, form := range []string{key, string(raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), fmt.Sprintf("%v", raw), fmt.Sprintf("%#v", raw), fmt.Sprintf("%d", raw[:8])} {
		if strings.Contains(out.String(), strings.Trim(form, "[]")) {
			t.Errorf("the session key is printed:\n%s", out.String())
		}
	}
}

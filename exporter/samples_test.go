package exporter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"lpexport/liveperson"
)

// samplesDir holds official payloads that are no part of this project.
var samplesDir = filepath.Join("..", "..", "shared", "samples")

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samplesDir, name))
	if os.IsNotExist(err) {
		if _, err := os.Stat(samplesDir); os.IsNotExist(err) {
			t.Skip("the official samples are not there: ", samplesDir)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sampleServer answers every search with one official payload.
type sampleServer struct {
	page                atomic.Pointer[[]byte]
	domain, user, skill []byte
}

func (s *sampleServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch path := r.URL.Path; {
	case strings.Contains(path, "/service/"):
		// The official answer lists other services: ours are put beside them.
		var all struct {
			BaseURIs []map[string]string `json:"baseURIs"`
		}
		if err := json.Unmarshal(s.domain, &all); err != nil {
			panic(err)
		}
		for _, name := range []string{"msgHist", "accountConfigReadOnly", "sentinel"} {
			entry := map[string]string{"service": name, "account": "sandbox", "baseURI": r.Host}
			if strings.Contains(path, "/service/"+name+"/") {
				_ = json.NewEncoder(w).Encode(entry)
				return
			}
			all.BaseURIs = append(all.BaseURIs, entry)
		}
		_ = json.NewEncoder(w).Encode(all)
	case strings.HasPrefix(path, "/sentinel/"):
		fmt.Fprint(w, `{"access_token":"token","token_type":"Bearer","expires_in":3600}`)
	case strings.HasSuffix(path, "/users"):
		fmt.Fprintf(w, "[%s]", s.user)
	case strings.HasSuffix(path, "/skills"):
		fmt.Fprintf(w, "[%s]", s.skill)
	case !slices.Contains([]string{"", "0"}, r.URL.Query().Get("offset")):
		fmt.Fprint(w, `{"_metadata":{"count":1},"conversationHistoryRecords":[]}`)
	default:
		_, _ = w.Write(*s.page.Load())
	}
}

func (s *sampleServer) serve(page []byte) { s.page.Store(&page) }

// sampleTrial is a trial on a server of official payloads.
func sampleTrial(t *testing.T, skill string) (*trial, *sampleServer) {
	t.Helper()
	s := &sampleServer{domain: sample(t, "domain.json"), user: sample(t, "user.json"), skill: sample(t, skill)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	r, _ := handTrial(t, func(set *Settings) {
		client, err := liveperson.New(liveperson.Config{Account: "sandbox", DomainAPI: server.URL, Source: "test", Now: set.Now,
			OAuth2: &liveperson.OAuth2Credentials{ClientID: "id", ClientSecret: "secret"}})
		if err != nil {
			t.Fatal(err)
		}
		set.Source = client
	})
	return r, s
}

func TestOfficialSamples(t *testing.T) {
	const id = "e5c58e49-e4a5-40a8-8a18-d6580d1d5630"
	for name, c := range map[string]struct {
		skill string
		want  []string
	}{
		"messaging-interactions-conversation-2017.json": {"skill.json", []string{"0: Hi there #4", "2: I love your service"}},
		"messaging-interactions-conversation-unauth-sdes.json": {"skill.json",
			[]string{"0: Hi there #4", "1: Hi there, dear consumer!", "2: I love your service", "3: Now on sale!"}},
		"messaging-interactions-conversation.json": {"skill-2021.json",
			[]string{"0: Hi there #4", "1: Hi there, dear consumer!", "2: I love your service", "3: Now on sale!\nYes\nNo"}},
	} {
		r, s := sampleTrial(t, c.skill)
		s.serve(sample(t, name))
		report := r.cycle()
		if report.Captured.Quarantined != 0 || report.Captured.Messages != int64(len(c.want)) || report.Captured.Unknown != 0 {
			t.Errorf("%s: %+v", name, report.Captured)
		}
		r.holds("local", id, c.want...)
		slices := r.delivered("local")
		if len(slices) != 1 || slices[0].Status != "OPEN" || slices[0].StartedAt != 1472481024565 || len(slices[0].Participants) == 0 {
			t.Errorf("%s: %+v", name, slices)
		}
		if again := r.cycle(); again.Captured.Revisions != 0 || again.Destinations[0].Bundles != 0 {
			t.Errorf("%s, again: %+v", name, again)
		}
		users, err := r.cp.Users(t.Context())
		if u := users["987654321"]; err != nil || u.Login != "unique@gmail.com" || u.Name != "agent1" || u.Kind != "human" {
			t.Errorf("user: %+v, %v", u, err)
		}
		skills, err := r.cp.Skills(t.Context())
		if err != nil || skills["326244912"] != "skillName1448453890425" {
			t.Errorf("skills: %v, %v", skills, err)
		}
	}
}

// The three official records are of one conversation: told one after the other,
// each adds what the one before did not have.
func TestOfficialSamplesInTurn(t *testing.T) {
	r, s := sampleTrial(t, "skill.json")
	for _, name := range []string{"-2017", "-unauth-sdes", "", "-2017"} {
		s.serve(sample(t, "messaging-interactions-conversation"+name+".json"))
		r.cycle()
	}
	got := r.lines("local", "e5c58e49-e4a5-40a8-8a18-d6580d1d5630")
	want := []string{"0: Hi there #4", "2: I love your service", // 2017
		"1: Hi there, dear consumer!", "3: Now on sale!", // 2018
		"1 amends 2: Hi there, dear consumer!", "3 amends 2: Now on sale!\nYes\nNo"} // 2021: with quick replies
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	r.sound()
}

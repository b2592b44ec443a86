package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

// epoch is when the accounts of these tests begin.
var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// remote asks an account over its wire, as a program that knows nothing of it.
type remote struct {
	t       testing.TB
	account *sandbox.Account
	token   string
}

// small is an account of some days, seen at a fixed moment.
func small(now time.Time) sandbox.Settings {
	return sandbox.Settings{
		Seed: 7, Epoch: epoch, Conversations: 300, Period: 5 * 24 * time.Hour, OpenShare: 0.05,
		LateChanges: true, Now: func() time.Time { return now },
	}
}

func connect(t testing.TB, s sandbox.Settings) *remote {
	t.Helper()
	r := &remote{t: t, account: sandbox.New(s)}
	credentials := s.Credentials
	if credentials == (sandbox.Credentials{}) {
		credentials = sandbox.DefaultCredentials
	}
	form := url.Values{
		"client_id": {credentials.ClientID}, "client_secret": {credentials.ClientSecret}, "grant_type": {"client_credentials"},
	}
	w := r.do("POST", "/sentinel/api/v2/account/sandbox/app/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("no token: %d %s", w.Code, w.Body)
	}
	r.token = answer.Token
	return r
}

// do makes one request; a cut answer is returned as far as it came.
func (r *remote) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	request := r.request(method, target, body, headers...)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		r.account.ServeHTTP(w, request)
	}()
	return w
}

func (r *remote) request(method, target, body string, headers ...string) *http.Request {
	request := httptest.NewRequest(method, "https://sandbox.example"+target, strings.NewReader(body))
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return request
}

const searchPath = "/messaging_history/api/account/sandbox/conversations/search?source=test&v=2&"

type object = map[string]any

type answer struct {
	code     int
	Metadata struct {
		Count  int
		Shards struct{ PartialResult bool } `json:"shardsStatusResult"`
	} `json:"_metadata"`
	Records []object `json:"conversationHistoryRecords"`
}

// search asks for one page.
func (r *remote) search(params string, filter object) answer {
	r.t.Helper()
	body, err := json.Marshal(filter)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.parse(r.do("POST", searchPath+params, string(body)))
}

func (r *remote) byID(ids ...string) answer {
	r.t.Helper()
	body, _ := json.Marshal(object{"conversationIds": ids, "contentToRetrieve": everything})
	return r.parse(r.do("POST", strings.Replace(searchPath, "/search", "/conversation/search", 1), string(body)))
}

func (r *remote) parse(w *httptest.ResponseRecorder) answer {
	r.t.Helper()
	a := answer{code: w.Code}
	if w.Code != 200 {
		return a
	}
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		r.t.Fatalf("answer is not JSON: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		r.t.Fatal("something follows the answer")
	}
	return a
}

// all pages through everything that matches.
func (r *remote) all(filter object) []object {
	r.t.Helper()
	var records []object
	for {
		page := r.search("limit=100&sort=start:asc&offset="+itoa(len(records)), filter)
		records = append(records, page.Records...)
		if page.code != 200 || len(page.Records) == 0 || len(records) >= page.Metadata.Count {
			return records
		}
	}
}

func since(from time.Time) object { return object{"from": from.UnixMilli(), "to": -1} }

func everythingSince(from time.Time) object {
	return object{"start": since(from), "status": []string{"OPEN", "CLOSE"}, "contentToRetrieve": everything}
}

var everything = []string{
	"campaign", "messageRecords", "agentParticipants", "agentParticipantsLeave", "agentParticipantsActive",
	"consumerParticipants", "transfers", "interactions", "messageScores", "messageStatuses", "conversationSurveys",
	"coBrowseSessions", "summary", "sdes", "unAuthSdes", "monitoring", "dialogs", "responseTime", "skillChanges",
	"intents", "uniqueIntents", "latestAgentSurvey", "previouslySubmittedAgentSurveys",
}

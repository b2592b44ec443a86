package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"lpexport/liveperson/sandbox"
)

func TestDomains(t *testing.T) {
	r := &remote{t: t, account: sandbox.New(small(later))}
	type entry struct{ Service, Account, BaseURI string }
	var one entry
	var all struct{ BaseURIs []entry }
	base := "/api/account/sandbox/service/"
	for _, service := range []string{"msgHist", "accountConfigReadOnly", "sentinel", "fms", "swift"} {
		w := r.do("GET", base+service+"/baseURI.json?version=1.0", "")
		if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || one != (entry{service, "sandbox", "sandbox.example"}) {
			t.Errorf("%s: %+v", service, one)
		}
	}
	w := r.do("GET", base+"baseURI.json?version=1.0", "")
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || len(all.BaseURIs) != 5 {
		t.Errorf("all: %s", w.Body)
	}
	if w := r.do("GET", base+"msghist/baseURI.json", ""); w.Code != 404 {
		t.Errorf("names are case sensitive, but: %d", w.Code)
	}
	if w := r.do("GET", "/api/account/other/service/msgHist/baseURI.json", ""); w.Code != 401 {
		t.Errorf("another account: %d", w.Code)
	}
}

// entities is a list of the account's configuration.
func (r *remote) entities(target string) (list []object) {
	r.t.Helper()
	w := r.do("GET", "/api/account/sandbox/configuration/le-users/"+target, "")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		r.t.Fatalf("%s: %v", target, err)
	}
	return list
}

func TestUsersAndSkills(t *testing.T) {
	r := connect(t, small(later))
	present, all := r.entities("users?v=6.0"), r.entities("users?v=6.0&include_deleted=true")
	if len(present) != 13 || len(all) != 15 {
		t.Errorf("%d users, %d with deleted ones", len(present), len(all))
	}
	seen := map[string]bool{}
	for _, u := range all {
		if u["fullName"] != "" {
			t.Errorf("fullName is %q", u["fullName"])
		}
		seen[fmt.Sprintf("id %T", u["id"])] = true
		seen[fmt.Sprintf("deleted %T", u["deleted"])] = true
		seen[fmt.Sprint("type ", u["userTypeId"])] = true
		seen["hash"] = seen["hash"] || u["passwordSh"] != nil
	}
	for _, want := range []string{"id string", "id float64", "deleted string", "deleted bool", "type 0", "type 1", "type 2", "hash"} {
		if !seen[want] {
			t.Errorf("no user with %s", want)
		}
	}
	if skills := r.entities("skills?v=4.0"); len(skills) != 5 || len(skills[0]) != 3 {
		t.Errorf("skills: %v", skills)
	}
	if skills := r.entities("skills?v=4.0&include_deleted=true&select=$all"); len(skills) != 6 || len(skills[0]) == 3 {
		t.Errorf("all of all skills: %v", skills)
	}
	var one object
	w := r.do("GET", "/api/account/sandbox/configuration/le-users/users/"+sandbox.AgentID(11), "")
	if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || one["nickname"] != "Agent 12" {
		t.Errorf("one user: %s", w.Body)
	}
	r.token = ""
	if w := r.do("GET", "/api/account/sandbox/configuration/le-users/users", ""); w.Code != 401 {
		t.Errorf("without a token: %d", w.Code)
	}
}

func TestRevisionsAndRenames(t *testing.T) {
	clock := later
	settings := small(later)
	settings.Now = func() time.Time { return clock }
	settings.Changes = []sandbox.Change{{At: later.Add(time.Minute), Kind: sandbox.Rename, Agent: 2, Text: "Agent III"}}
	r := connect(t, settings)
	const users, skills = "/api/account/sandbox/configuration/le-users/users?v=6.0", "/api/account/sandbox/configuration/le-users/skills?v=4.0"
	first := r.do("GET", users, "")
	revision := first.Header().Get("ac-revision")
	for _, path := range []string{users, skills} {
		if w := r.do("GET", path, "", "If-Match", revision); w.Code != 304 || w.Body.Len() > 0 {
			t.Errorf("unchanged: %d", w.Code)
		}
		if w := r.do("GET", path, "", "If-Match", "-1"); w.Code != 200 || w.Header().Get("ac-revision") != revision {
			t.Errorf("forced: %d", w.Code)
		}
	}
	clock = clock.Add(time.Minute)
	for path, changed := range map[string]bool{users: true, skills: false} { // one revision for the whole account
		w := r.do("GET", path, "", "If-Match", revision)
		if w.Code != 200 || w.Header().Get("ac-revision") == revision || strings.Contains(w.Body.String(), "Agent III") != changed {
			t.Errorf("renamed: %d %s", w.Code, w.Body)
		}
	}
	names := map[any]int{}
	for _, record := range r.all(everythingSince(epoch)) {
		for _, e := range record["agentParticipants"].([]any) {
			if p := e.(object); p["agentId"] == sandbox.AgentID(2) {
				names[p["agentNickname"]]++
			}
		}
	}
	if len(names) != 1 || names["Agent III"] == 0 {
		t.Errorf("names after the renaming: %v", names)
	}
}

func TestHostsOfOthers(t *testing.T) {
	settings := small(later)
	settings.Hosts = map[string]string{"sentinel": "other.example"}
	r := connect(t, settings)
	for service, want := range map[string]string{"sentinel": `"baseURI":"other.example"`, "msgHist": `"baseURI":"sandbox.example"`} {
		if got := r.do("GET", "/api/account/sandbox/service/"+service+"/baseURI.json?version=1.0", "").Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s: %s lacks %s", service, got, want)
		}
	}
}

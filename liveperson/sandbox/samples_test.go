package sandbox_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/liveperson/sandbox"
)

// samplesDir holds official payloads that are no part of this project.
var samplesDir = filepath.Join("..", "..", "..", "shared", "samples")

func sample(t *testing.T, name string) (v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samplesDir, name))
	if os.IsNotExist(err) {
		if _, err := os.Stat(samplesDir); os.IsNotExist(err) {
			t.Skip("the official samples are not there: ", samplesDir)
		}
	}
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// keys are the paths of all members of a JSON value, with what is there: a
// string, a number, an object, a list.
func keys(v any) []string {
	paths := map[string]bool{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case object:
			for name, member := range v {
				walk(path+"."+name, member)
			}
			path += " {}"
		case []any:
			for _, element := range v {
				walk(path+"[]", element)
			}
			path += " []"
		case string:
			path += " string"
		case float64:
			path += " number"
		}
		paths[path] = true
	}
	walk("", v)
	return slices.Sorted(maps.Keys(paths))
}

// TestEventsHaveTheOfficialShape compares the members of events with those of
// LivePerson's examples of the same event: from 2018 for old conversations,
// newer ones for others.
func TestEventsHaveTheOfficialShape(t *testing.T) {
	now := epoch.Add(6 * day)
	first := map[string]any{} // event of each form
	for e := range sandbox.New(small(now)).Events(epoch.Add(-1), now) {
		var v object
		if err := json.Unmarshal(e.Body, &v); err != nil {
			t.Fatal(err)
		}
		if form := formOf(e, v); first[form] == nil {
			first[form] = v
		}
	}
	for form, name := range map[string]string{
		"text/plain new":                    "webhook-text-with-audience.json",
		"text/plain old":                    "webhook-text-agent.json",
		"ChatStateEvent new":                "webhook-signed-chatstate.json",
		"ChatStateEvent old":                "webhook-agent-composing.json",
		"AcceptStatusEvent new":             "webhook-agent-read-with-conversation-id.json",
		"AcceptStatusEvent old":             "webhook-agent-read.json",
		"ExConversationChange OPEN new":     "webhook-conversation-open-full.json",
		"ExConversationChange OPEN old":     "webhook-conversation-created.json",
		"ExConversationChange CLOSE new":    "webhook-signed-conversation-closed.json",
		"forms/secure-invitation new event": "webhook-history-events.json 2",
		"forms/secure-submission new event": "webhook-history-events.json 3",
		"hosted/file new event":             "webhook-history-events.json 0",
	} {
		if first[form] == nil {
			t.Errorf("no event %s", form)
			continue
		}
		file, record, partly := strings.Cut(name, " ")
		want := sample(t, file)
		if partly {
			want = want.(object)["messageEventRecords"].([]any)[record[0]-'0'].(object)["event"]
		}
		if diff := cmp.Diff(keys(want), keys(first[form])); diff != "" {
			t.Errorf("%s (-%s +event)\n%s", form, name, diff)
		}
	}
	rich := first["RichContentEvent new event"].(object)
	want := sample(t, "webhook-lpevent-rich-content.json").(object)["event"].(object)
	if rich["type"] != want["type"] || rich["content"].(object)["type"] != want["content"].(object)["type"] || len(rich) != len(want) {
		t.Errorf("rich content: %v", rich)
	}
}

// formOf names what the shape of an event depends on: for messages other than
// texts, which have no example of their own as notifications, it is that of
// their event, which v becomes.
func formOf(e sandbox.Event, v object) string {
	c := v["body"].(object)["changes"].([]any)[0].(object)
	if result, ok := c["result"].(object); ok {
		d := result["conversationDetails"].(object)
		if dialogs, ok := d["dialogs"].([]any); !ok {
			return "ExConversationChange " + d["state"].(string) + " old"
		} else if len(dialogs) > 1 {
			return "ExConversationChange with several dialogs"
		}
		return "ExConversationChange " + d["state"].(string) + " new"
	}
	age := " new"
	if c["conversationId"] == nil {
		age = " old"
	}
	event := c["event"].(object)
	form, _ := event["contentType"].(string)
	switch {
	case form == "":
		form = event["type"].(string)
	case event["quickReplies"] != nil:
		form += " with quick replies"
	case c["metadata"] != nil:
		form += " of a bot"
	case age == " old" && c["messageAudience"] != nil:
		form += " for agents"
	}
	if e.Message >= 0 && form != "text/plain" {
		clear(v)
		for name, member := range event {
			v[name] = member
		}
		age += " event"
	}
	return form + age
}

// TestFileListsHaveTheOfficialShape compares a page that has a next one with the
// published example.
func TestFileListsHaveTheOfficialShape(t *testing.T) {
	r := connect(t, lively(later))
	c := withFiles(t, r.account, later, 2)
	var page any
	w := r.do("GET", filesPath+"conversationId="+c.ID+"&page=0&pageSize=1", "")
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys(sample(t, "bulk-file-download-files.json")), keys(page)); diff != "" {
		t.Error(diff)
	}
}

package exporter

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
)

// object is a JSON object as a reader of the archive has it.
type object map[string]any

func (o object) list(name string) (list []object) {
	for _, e := range o[name].([]any) {
		list = append(list, e.(map[string]any))
	}
	return list
}

// slicesOf are the lines that a destination holds, as JSON.
func (r *trial) slicesOf(name string) (list []object) {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.root, name, "sandbox", "*", "*", "*", name+"-*", archive.TranscriptsFile))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			r.t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			var o object
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				r.t.Fatal(err)
			}
			list = append(list, o)
		}
	}
	return list
}

// messagesOf and happenedOf are those of all slices that a destination holds.
func (r *trial) messagesOf(name string) (list []object) {
	r.t.Helper()
	for _, s := range r.slicesOf(name) {
		list = append(list, s.list("messages")...)
	}
	return list
}

func (r *trial) happenedOf(name string, kinds ...string) (list []object) {
	r.t.Helper()
	for _, s := range r.slicesOf(name) {
		for _, h := range s.list("happened") {
			if slices.Contains(kinds, h["kind"].(string)) {
				list = append(list, h)
			}
		}
	}
	return list
}

// spokenMessage is a message of any type, with its JSON.
func spokenMessage(seq int, kind, data string) string {
	return fmt.Sprintf(`{"type":"%s","messageData":%s,"messageId":"ms::dialog:a::msg:%d","seq":%d,"dialogId":"a","participantId":"c","sentBy":"Consumer","timeL":%d}`,
		kind, data, seq, seq, talkStart+int64(seq)*60_000)
}

// A person may write what LivePerson writes for nothing.
func TestWordsOfAPersonAreKept(t *testing.T) {
	for _, word := range []string{"NA", "null", "undefined"} {
		r, h := handTrial(t, nil)
		w := `"` + word + `"`
		messages := []string{
			spokenMessage(0, "TEXT_PLAIN", `{"msg":{"text":`+w+`}}`),
			spokenMessage(1, "RICH_CONTENT", `{"richContent":{"content":"{\"type\":\"button\",\"title\":\"`+word+`\"}"}}`),
			spokenMessage(2, "HOSTED_FILE", `{"file":{"relativePath":"/v1/x.jpg","fileType":"JPG","caption":`+w+`}}`),
			spokenMessage(3, "SECURE_FORM_INVITATION", `{"formInvitation":{"formName":`+w+`}}`),
			spokenMessage(4, "NEW_TYPE", `{"new":{"said":`+w+`}}`),
		}
		sections := fmt.Sprintf(`,"agentParticipants":[{"agentId":"7","agentFullName":%[1]s,"agentLoginName":%[1]s,"userType":"1","timeL":%[2]d}]
			,"consumerParticipants":[{"participantId":"c","firstName":"undefined","lastName":"Null","email":"undefined","joinTimeL":%[2]d}]
			,"transfers":[{"timeL":%[2]d,"sourceSkillId":1,"sourceSkillName":%[1]s,"targetSkillId":2,"targetSkillName":%[1]s,"reason":%[1]s}]
			,"dialogs":[{"dialogId":"a","dialogType":"MAIN","status":"CLOSE","startTimeL":%[2]d,"endTimeL":%[2]d,"closeReason":%[1]s}]
			,"summary":{"text":%[1]s,"lastUpdatedTime":%[2]d}
			,"conversationSurveys":[{"surveyId":"s","dialogId":"a","surveyStatus":"FILLED","surveyData":[{"question":%[1]s,"answer":%[1]s}]}]
			,"latestAgentSurvey":{"surveyId":"t","lastUpdateTime":%[2]d,"submittedAnswers":[{"questionText":%[1]s,"answers":[{"answer":%[1]s}]}]}`, w, talkStart)
		h.putRecord(recordOf(`,"latestSkillId":1,"latestSkillName":`+w+`,"closeReason":`+w, strings.Join(messages, ","), sections))
		r.cycle()
		for i, want := range []string{word, word, word, word, "[NEW_TYPE]\n" + word} {
			if got := r.messagesOf("local")[i]["text"]; got != want {
				t.Errorf("%s: text %d is %q, want %q", word, i, got, want)
			}
		}
		s := r.slicesOf("local")[0]
		found := object{
			"close reason": s["close_reason"], "skill": s["skill"].(map[string]any)["name"], "caption": r.messagesOf("local")[2]["files"].([]any)[0].(map[string]any)["caption"],
			"agent": s.list("participants")[0]["name"], "login": s.list("participants")[0]["login"],
		}
		for _, e := range r.happenedOf("local", "transferred", "closed", "summary", "survey") {
			kind := e["kind"].(string)
			switch kind {
			case "summary":
				found[kind] = e["text"]
			case "survey":
				answer := object(e).list("answers")[0]
				found[fmt.Sprint(kind, e["name"], " question")], found[fmt.Sprint(kind, e["name"], " answer")] = answer["question"], answer["answer"]
			default:
				found[kind] = e["reason"]
			}
		}
		if len(found) != 12 {
			t.Errorf("%s: found %v", word, found)
		}
		for what, got := range found {
			if got != word {
				t.Errorf("%s: %s is %q", word, what, got)
			}
		}
		// What LivePerson documents to stand for nothing does.
		if p := s.list("participants")[1]; p["name"] != "Null" || p["email"] != "" {
			t.Errorf("consumer %v", p)
		}
	}
}

// What UTF-8 cannot hold is shown as U+FFFD, marked, counted and kept as received;
// a change among it amends, another spelling of it does not.
func TestWhatUTF8CannotHoldIsKept(t *testing.T) {
	cases := []struct{ what, was, is, again string }{
		{"lone surrogate", `"a\ud83db"`, `"a\ud83eb"`, `"a\uD83Eb"`},
		{"low surrogate", `"\udc00"`, `"\udc01"`, `"\uDC01"`},
		{"halves the wrong way round", `"\udc00\ud83d"`, `"\ud83d\ud83d"`, `"\uD83D\uD83D"`},
		{"CESU-8", "\"\xed\xa0\xbd\xed\xb8\x80\"", "\"\xed\xa0\xbd\xed\xb8\x81\"", "\"\xed\xa0\xbd\xed\xb8\x81\""},
		{"bad byte", "\"caf\xe9\"", "\"caf\xe8\"", "\"caf\xe8\""},
	}
	for _, c := range cases {
		r, h := handTrial(t, nil)
		h.putRecord(spelt("", uttered{0, "c", c.was, 0}, uttered{1, "c", `"clean \ud83d\ude00 \ufffd"`, 1}))
		report := r.cycle()
		h.putRecord(spelt("", uttered{0, "c", c.is, 0}, uttered{1, "c", `"clean \ud83d\ude00 \ufffd"`, 1}))
		r.cycle()
		h.putRecord(spelt("", uttered{0, "c", c.again, 0}, uttered{1, "c", `"clean \ud83d\ude00 \ufffd"`, 1}))
		r.cycle()
		list := r.messagesOf("local")
		if len(list) != 3 {
			t.Errorf("%s: %d messages, want two and an amendment: %v", c.what, len(list), list)
			continue
		}
		for i, text := range map[int]string{0: c.was, 2: c.is} {
			m := list[i]
			received, err := base64.StdEncoding.DecodeString(fmt.Sprint(m["received"]))
			if m["lossy"] != true || err != nil || string(received) != `{"msg":{"text":`+text+`}}` || !strings.Contains(m["text"].(string), "\ufffd") {
				t.Errorf("%s: message %d is %v (received %q)", c.what, i, m, received)
			}
		}
		if m := list[1]; m["lossy"] != nil || m["received"] != nil || m["text"] != "clean 😀 \ufffd" {
			t.Errorf("%s: the clean message is %v", c.what, m)
		}
		if list[2]["amends"] != 1.0 {
			t.Errorf("%s: amends %v", c.what, list[2]["amends"])
		}
		if n := report.Captured.Lossy; n != 1 {
			t.Errorf("%s: counted %d", c.what, n)
		}
		r.sound()
	}
}

// The same of all that is not plain text, and of what happened.
func TestWhatUTF8CannotHoldIsKeptOfEverythingElse(t *testing.T) {
	for what, pair := range map[string][2]string{
		"rich content, inside its string": {spokenMessage(0, "RICH_CONTENT", `{"richContent":{"content":"{\"text\":\"\\ud83d\"}"}}`), spokenMessage(0, "RICH_CONTENT", `{"richContent":{"content":"{\"text\":\"\\ud83e\"}"}}`)},
		"rich content, around it":         {spokenMessage(0, "RICH_CONTENT", "{\"richContent\":{\"content\":\"{\\\"text\\\":\\\"\xff\\\"}\"}}"), spokenMessage(0, "RICH_CONTENT", "{\"richContent\":{\"content\":\"{\\\"text\\\":\\\"\xfe\\\"}\"}}")},
		"caption":                         {spokenMessage(0, "HOSTED_FILE", `{"file":{"relativePath":"/a.jpg","caption":"\ud83d"}}`), spokenMessage(0, "HOSTED_FILE", `{"file":{"relativePath":"/a.jpg","caption":"\ud83e"}}`)},
		"path":                            {spokenMessage(0, "HOSTED_FILE", `{"file":{"relativePath":"/\ud83d.jpg"}}`), spokenMessage(0, "HOSTED_FILE", `{"file":{"relativePath":"/\ud83e.jpg"}}`)},
		"quick replies":                   {spokenMessage(0, "TEXT_PLAIN", `{"msg":{"text":"a"},"quickReplies":{"content":"\ud83d"}}`), spokenMessage(0, "TEXT_PLAIN", `{"msg":{"text":"a"},"quickReplies":{"content":"\ud83e"}}`)},
		"a type to come":                  {spokenMessage(0, "NEW_TYPE", `{"msg":{"text":"\ud83d"}}`), spokenMessage(0, "NEW_TYPE", `{"msg":{"text":"\ud83e"}}`)},
	} {
		r, h := handTrial(t, nil)
		for _, m := range pair {
			h.putRecord(recordOf("", m, ""))
			r.cycle()
		}
		list := r.messagesOf("local")
		if len(list) != 2 || list[0]["lossy"] != true || list[1]["lossy"] != true || list[1]["amends"] != 1.0 {
			t.Errorf("%s: %v", what, list)
		}
	}
	r, h := handTrial(t, nil)
	for _, half := range []string{"d", "e", "e"} {
		h.putRecord(recordOf("", "", fmt.Sprintf(`,"summary":{"text":"\ud83%[1]s","lastUpdatedTime":%[2]d},"conversationSurveys":[{"surveyId":"s","dialogId":"a","surveyData":[{"question":"q","answer":"\ud83%[1]s"}]}]`, half, talkStart)))
		r.cycle()
	}
	list := r.happenedOf("local", "survey", "summary")
	if len(list) != 3 { // a summary is named by its time alone
		t.Fatalf("%v", list)
	}
	for _, e := range list {
		if received, err := base64.StdEncoding.DecodeString(fmt.Sprint(e["received"])); e["lossy"] != true || err != nil || !strings.Contains(string(received), `\ud83`) {
			t.Errorf("%v", e)
		}
	}
}

// Both ways in spell it alike: what an event told is confirmed by history, and what
// history tells otherwise amends it.
func TestWhatUTF8CannotHoldIsComparedWithEvents(t *testing.T) {
	for half, want := range map[string]int{"d": 1, "e": 2} {
		r, h := handLive(t, nil)
		event := string(hear(heard{"a", "a", 0, "LOST", ""}))
		r.receive([]byte(strings.ReplaceAll(event, "LOST", `\ud83d`)))
		r.deliver()
		h.putRecord(spelt("", uttered{0, "c", `"\ud83` + half + `"`, 0}))
		r.settle()
		r.settle()
		list := r.messagesOf("local")
		if len(list) != want || list[0]["lossy"] != true {
			t.Errorf("\\ud83%s: %v", half, list)
		}
	}
}

// Every shape of a time that says which moment it is.
func TestTimesInOtherShapesAreRead(t *testing.T) {
	at := time.Date(2016, 8, 29, 14, 30, 24, 565e6, time.UTC)
	whole := at.Truncate(time.Second)
	read := map[string]time.Time{
		`"2016-08-29 14:30:24.565+0000"`:    at,
		`"2016-08-29 16:30:24+0200"`:        whole,
		`"2016-08-29T16:30:24+0200"`:        whole,
		`"2016-08-29T16:30:24.565+02:00"`:   at,
		`"2016-08-29T16:30:24.565+02"`:      at,
		`"2016-08-29 09:00:24.565 -0530"`:   at,
		`"2016-08-29T14:30:24.565123Z"`:     at,
		`"2016-08-29 14:30:24.565123+0000"`: at,
		`"2016-08-29 14:30:24,565 UTC"`:     at,
		`"2016-08-29 14:30:24.565 GMT"`:     at,
		`"2016-08-29t14:30:24.565999999z"`:  at,
		`"2016-08-29 14:30:24"`:             whole,
		fmt.Sprintf(`"%d"`, at.UnixMilli()): at,
	}
	unread := []string{`"2016-08-29T14:30:24"`, `"2016-08-29T14:30:24.565"`, `"29/08/2016 14:30:24"`, `"2016-08-29 14:30:24 CET"`, `"2016-08-29 14:30:24+9900"`, `"1472481024"`, `"soon"`}
	message := func(time string) string {
		return fmt.Sprintf(`{"type":"TEXT_PLAIN","messageData":{"msg":{"text":"x"}},"seq":0,"dialogId":"a","participantId":"c",%s}`, time)
	}
	for text, want := range read {
		for _, spelling := range []string{`"time":` + text, `"timeL":-1,"time":` + text, `"timeL":` + text} {
			r, h := handTrial(t, nil)
			h.putRecord(recordOf("", message(spelling), ""))
			report := r.cycle()
			if got := r.messagesOf("local")[0]["sent_at"]; got != want.Format("2006-01-02T15:04:05.000Z07:00") || report.Captured.Untimed != 0 {
				t.Errorf("%s: sent at %v, counted %d", spelling, got, report.Captured.Untimed)
			}
		}
	}
	for _, text := range unread {
		r, h := handTrial(t, nil)
		h.putRecord(recordOf("", message(`"time":`+text), ""))
		report := r.cycle()
		m := r.messagesOf("local")[0]
		if m["sent_at"] != nil || m["sent_at_text"] != strings.Trim(text, `"`) || report.Captured.Untimed != 1 {
			t.Errorf("%s: %v, counted %d", text, m, report.Captured.Untimed)
		}
		if again := r.cycle(); again.Captured.Untimed != 0 {
			t.Errorf("%s: counted again", text)
		}
	}
}

// What happened at a time that is there only as text has happened.
func TestHappeningsWithTimesAsTextAreKept(t *testing.T) {
	const text = "2016-08-29 16:30:24+0200"
	at := "2016-08-29T14:30:24.000Z"
	record := func(text string) string {
		messages := fmt.Sprintf(`{"type":"TEXT_PLAIN","messageData":{"msg":{"text":"x"}},"seq":0,"dialogId":"a","participantId":"c","timeL":%d}`, talkStart)
		return fmt.Sprintf(`{"info":{"conversationId":"a","startTime":"%[1]s","status":"CLOSE","endTime":"undefined","conversationEndTime":"%[1]s"},"messageRecords":[%[2]s]
			,"agentParticipants":[{"agentId":"7","userType":"1","time":"%[1]s"}],"agentParticipantsLeave":[{"agentId":"7","userType":"1","time":"%[1]s"}]
			,"consumerParticipants":[{"participantId":"c","joinTime":"%[1]s"}]
			,"transfers":[{"time":"%[1]s","sourceSkillId":1,"targetSkillId":2,"reason":"Skill"}]
			,"summary":{"text":"s","lastUpdatedTime":"%[1]s"}
			,"latestAgentSurvey":{"surveyId":"t","lastUpdateTime":"%[1]s","submittedAnswers":[{"questionText":"q","answers":[{"answer":"a"}]}]}}`, text, messages)
	}
	kinds := []string{"started", "joined", "left", "transferred", "closed", "survey", "summary"}
	r, h := handTrial(t, nil)
	h.putRecord(record(text))
	if report := r.cycle(); report.Captured.Untimed != 0 {
		t.Errorf("counted %d", report.Captured.Untimed)
	}
	list := r.happenedOf("local", kinds...)
	if len(list) != 8 {
		t.Errorf("%d happened: %v", len(list), list)
	}
	for _, e := range list {
		if e["at"] != at {
			t.Errorf("%s at %v, want %s", e["kind"], e["at"], at)
		}
	}
	r, h = handTrial(t, nil)
	h.putRecord(record("some day"))
	if report := r.cycle(); report.Captured.Untimed != 8 {
		t.Errorf("counted %d, want 8", report.Captured.Untimed)
	}
	list = r.happenedOf("local", kinds...)
	if len(list) != 8 {
		t.Errorf("%d happened: %v", len(list), list)
	}
	for _, e := range list {
		if e["at_text"] != "some day" {
			t.Errorf("%v", e)
		}
	}
}

// Who filled in an agent's survey stands flat in what the API answers.
func TestAgentSurveysHaveTheirAuthor(t *testing.T) {
	for what, performer := range map[string]string{
		"flat":                `"performedByAgentId":"7","performedByAgentNickName":"Ann"`,
		"object":              `"performedByAgent":{"performedByAgentId":"7"}`,
		"object, short names": `"performedByAgent":{"id":7}`,
	} {
		r, h := handTrial(t, nil)
		survey := fmt.Sprintf(`{"surveyId":"t","lastUpdateTime":%d,%s,"submittedAnswers":[{"questionText":"q","answers":[{"answer":"a"}]}]}`, talkStart, performer)
		h.putRecord(recordOf("", "", `,"latestAgentSurvey":`+survey))
		r.cycle()
		if list := r.happenedOf("local", "survey"); len(list) != 1 || list[0]["by"] != "7" {
			t.Errorf("%s: %v", what, list)
		}
	}
}

// A record of another account says so in every slice; the account is counted, and
// warned of once.
func TestRecordsOfAnotherAccountSayWhoseTheyAre(t *testing.T) {
	log := &strings.Builder{}
	r, h := handTrial(t, func(s *Settings) { s.Log = slog.New(slog.NewTextHandler(log, nil)) })
	h.records["b"] = talk{id: "b", said: []said{{0, "x"}}, more: `,"brandId":"87654321"`}.record()
	h.records["c"] = talk{id: "c", said: []said{{0, "x"}}, more: `,"brandId":"87654321"`}.record()
	h.records["d"] = talk{id: "d", said: []said{{0, "x"}}, more: `,"brandId":"sandbox"`}.record()
	report := r.cycle()
	r.cycle()
	for _, s := range r.slicesOf("local") {
		want := any("87654321")
		if s["conversation_id"] == "d" {
			want = nil
		}
		if s["brand_id"] != want {
			t.Errorf("%v is of %v, want %v", s["conversation_id"], s["brand_id"], want)
		}
	}
	if report.Captured.Foreign["87654321"] != 2 || len(report.Captured.Foreign) != 1 {
		t.Errorf("counted %v", report.Captured.Foreign)
	}
	if n := strings.Count(log.String(), "brand_id=87654321"); n != 1 {
		t.Errorf("warned %d times:\n%s", n, log)
	}
}

// What used to be read alike is not alike: a change from the one to the other amends
// or is told, and of two under one name each is delivered.
func TestWhatUsedToBeReadAlikeIsToldApart(t *testing.T) {
	survey := func(answer string) string {
		return recordOf("", spokenMessage(0, "TEXT_PLAIN", `{"msg":{"text":"x"}}`), `,"conversationSurveys":[{"surveyId":"s","dialogId":"a","surveyData":[{"question":"q","answer":"`+answer+`"}]}]`)
	}
	message := func(kind, text string) string {
		return recordOf("", spokenMessage(0, kind, `{"msg":{"text":"`+text+`"}}`), "")
	}
	both := func(kind, first, second string) string {
		return recordOf("", spokenMessage(0, kind, `{"msg":{"text":"`+first+`"}}`)+","+spokenMessage(0, kind, `{"msg":{"text":"`+second+`"}}`), "")
	}
	for what, c := range map[string]struct {
		records []string
		entries []string
	}{
		"NA":              {[]string{message("NEW_TYPE", ""), message("NEW_TYPE", "NA"), message("NEW_TYPE", "null")}, []string{`0: [NEW_TYPE]`, `0 amends 1: [NEW_TYPE]` + "\n" + `NA`, `0 amends 2: [NEW_TYPE]` + "\n" + `null`}},
		"and back":        {[]string{message("NEW_TYPE", "NA"), message("NEW_TYPE", ""), message("NEW_TYPE", "NA")}, []string{`0: [NEW_TYPE]` + "\n" + `NA`, `0 amends 1: [NEW_TYPE]`, `0 amends 2: [NEW_TYPE]` + "\n" + `NA`}},
		"U+FFFD":          {[]string{message("TEXT_PLAIN", `\ufffd`), message("TEXT_PLAIN", `\ud83d`), message("TEXT_PLAIN", `\ufffd`)}, []string{"0: \ufffd", "0 amends 1: \ufffd", "0 amends 2: \ufffd"}},
		"survey":          {[]string{survey(""), survey("NA"), survey("null")}, []string{"0: x", "survey ", "survey NA", "survey null"}},
		"survey and back": {[]string{survey("NA"), survey(""), survey("NA")}, []string{"0: x", "survey ", "survey NA"}},
		"one name":        {[]string{both("NEW_TYPE", "", "NA")}, []string{`0: [NEW_TYPE]`, `0/2: [NEW_TYPE]` + "\n" + `NA`}},
		"one name, later": {[]string{message("NEW_TYPE", "NA"), both("NEW_TYPE", "", "NA")}, []string{`0/2: [NEW_TYPE]`, `0: [NEW_TYPE]` + "\n" + `NA`}},
		"one name, lossy": {[]string{message("TEXT_PLAIN", `\ufffd`), both("TEXT_PLAIN", `\ud83d`, `\ufffd`)}, []string{"0/2: \ufffd", "0: \ufffd"}},
	} {
		r, h := twinTrial(t)
		for _, record := range c.records {
			h.putRecord(record)
			r.cycle()
		}
		r.clock.Advance(48 * time.Hour)
		r.cycle()
		for _, name := range []string{"local", "late"} {
			got := r.lines(name, "a")
			for _, e := range r.happenedOf(name, "survey") {
				got = append(got, "survey "+e.list("answers")[0]["answer"].(string))
			}
			want := slices.Clone(c.entries)
			if name == "late" && strings.HasSuffix(what, "back") || name == "late" && (what == "NA" || what == "U+FFFD") {
				continue // cut once: the first version and the last
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s holds %q, want %q", what, name, got, want)
			}
		}
		if got := r.lines("late", "a"); len(c.records) == 3 && !strings.HasPrefix(what, "survey") {
			want := []string{c.entries[0], strings.Replace(c.entries[2], "amends 2", "amends 1", 1)}
			if strings.TrimPrefix(want[0], "0: ") == strings.TrimPrefix(want[1], "0 amends 1: ") {
				want = want[:1] // it has changed back
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: late holds %q, want %q", what, got, want)
			}
		}
		r.sound()
	}
}

// The same of what events tell: what they say otherwise is no repetition.
func TestEventsThatUsedToBeReadAlikeAreToldApart(t *testing.T) {
	r, _ := handLive(t, nil)
	r.receive(hear(heard{"a", "a", 0, "\ufffd", ""}))
	r.receive([]byte(strings.ReplaceAll(string(hear(heard{"a", "a", 0, "LOST", ""})), "LOST", `\ud83d`)))
	r.mustWait(waitsHistory)
}

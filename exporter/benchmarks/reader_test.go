package benchmarks

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// reader reads the bundles of an archive in the order of their serials, as they
// appear.
type reader struct {
	folder string
	serial int                // of the last bundle that was read
	wanted map[string]bool    // conversations
	found  map[named]*arrived // messages of them
}

// named is a message's name.
type named struct {
	conversation, dialog string
	sequence             int64
}

type arrived struct {
	at                time.Time // when the first bundle that has it was seen
	times, amendments int
}

func newReader(folder string) *reader {
	return &reader{folder: folder, wanted: map[string]bool{}, found: map[named]*arrived{}}
}

// lookEvery is the precision of what a watch finds.
const lookEvery = 5 * time.Millisecond

// watch looks for bundles all the time, until stop is closed.
func (r *reader) watch(stop <-chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := r.next(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		case <-stop:
			return
		}
	}
}

// next reads the next bundle, if it is there.
func (r *reader) next() (bool, error) {
	manifests, err := filepath.Glob(filepath.Join(r.folder, "*", "*", "*", fmt.Sprintf("local-%09d", r.serial+1), "manifest.json"))
	if err != nil || len(manifests) == 0 {
		return false, err
	}
	at := time.Now()
	r.serial++
	f, err := os.Open(filepath.Join(filepath.Dir(manifests[0]), "transcripts.jsonl"))
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if err := r.line(lines.Bytes(), at); err != nil {
			return false, err
		}
	}
	return true, lines.Err()
}

// line reads one slice. Most are none of ours, which its beginning tells.
func (r *reader) line(line []byte, at time.Time) error {
	_, rest, _ := bytes.Cut(line[:min(len(line), 200)], []byte(`"conversation_id":"`))
	if id, _, _ := bytes.Cut(rest, []byte(`"`)); !r.wanted[string(id)] {
		return nil
	}
	var slice struct {
		Conversation string `json:"conversation_id"`
		Messages     []struct {
			Dialog   string `json:"dialog_id"`
			Sequence int64  `json:"sequence"`
			Amends   int    `json:"amends"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(line, &slice); err != nil {
		return fmt.Errorf("a line of a transcript: %w", err)
	}
	for _, m := range slice.Messages {
		name := named{slice.Conversation, m.Dialog, m.Sequence}
		a := r.found[name]
		if a == nil {
			a = &arrived{at: at}
			r.found[name] = a
		}
		if m.Amends > 0 {
			a.amendments++
		} else {
			a.times++
		}
	}
	return nil
}

// nameOf is the name of the message that an event tells, and whether events alone
// tell what it says: what is neither text nor file nor rich content waits for
// history. An event of 2018 names its dialog only, whose conversation has the same id.
func nameOf(body []byte) (n named, sure bool, err error) {
	var event struct {
		Body struct {
			Changes []struct {
				Conversation string `json:"conversationId"`
				Dialog       string `json:"dialogId"`
				Sequence     int64  `json:"sequence"`
				Event        struct {
					Type string `json:"type"`
					Kind string `json:"contentType"`
				} `json:"event"`
			} `json:"changes"`
		} `json:"body"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return n, false, fmt.Errorf("an event: %w", err)
	}
	c := event.Body.Changes[0]
	if c.Conversation == "" {
		c.Conversation = c.Dialog
	}
	sure = c.Event.Type == "RichContentEvent" || c.Event.Kind == "text/plain" || c.Event.Kind == "hosted/file"
	return named{c.Conversation, c.Dialog, c.Sequence}, sure, nil
}

package benchmarks

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"lpexport/liveperson/sandbox"
)

// flow is a stream of events of live conversations, at a steady rate.
type flow struct {
	URL     string // where they go
	Archive string // the account's folder in the archive that they are to arrive in
	Rate    int    // a second
	For     time.Duration
	Live    int  // conversations at once
	Watch   bool // look for what arrives from the beginning on: costs a little all the time
}

// flowed is what became of it. Durations are in milliseconds.
type flowed struct {
	Events, Messages int
	Bytes            int64
	Answers          map[string]int // by status
	Answer           spread         // from when an event was to be sent to its answer
	Lag              spread         // of that: until it was sent

	History                 int    // messages answered with 200 that wait for history to tell what they are
	Lost, Twice, Amendments int    // of the others
	Bundles                 int    // read
	Late                    spread // from a message's answer until it is in a bundle; with Watch only
}

type spread struct{ Median, P99, Max float64 }

func spreadOf(values []time.Duration) (s spread) {
	if len(values) == 0 {
		return s
	}
	slices.Sort(values)
	at := func(share float64) float64 {
		return float64(values[int(share*float64(len(values)-1))]) / float64(time.Millisecond)
	}
	return spread{at(0.5), at(0.99), at(1)}
}

// sending is the process that sends a flow. It is asked three times: to prepare,
// to send, and to wait for what it has sent. It ends when nobody asks any more.
func sending() error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var f flow
	if err := in.Decode(&f); err != nil {
		return fmt.Errorf("read flow: %w", err)
	}
	s, err := newSender(f)
	if err != nil {
		return err
	}
	steps := []func() error{func() error { return nil }, s.send, s.wait}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
		if err := out.Encode(s.result); err != nil {
			return err
		}
		var next struct{}
		if err := in.Decode(&next); err != nil {
			return nil
		}
	}
	return nil
}

// sent is one event.
type sent struct {
	body      []byte
	signature string
	name      named // of its message; empty where it is none
	sure      bool  // it tells all of its message
	status    int   // 0: no answer
	lag, took time.Duration
	answered  time.Time
}

type sender struct {
	flow
	events []sent
	client *http.Client
	reader *reader
	result flowed
}

// mostConnections is what LivePerson's senders may keep open; the service takes twice as many.
const mostConnections = 256

// newSender makes the events, so that sending them costs little.
func newSender(f flow) (s *sender, err error) {
	connections := &http.Transport{MaxConnsPerHost: mostConnections, MaxIdleConnsPerHost: mostConnections}
	s = &sender{flow: f, reader: newReader(f.Archive), client: &http.Client{Timeout: 10 * time.Second, Transport: connections}}
	now, want := time.Now(), int(float64(f.Rate)*f.For.Seconds())
	later := now.AddDate(1, 0, 0) // then all of it has happened
	live := sandbox.New(sandbox.Settings{
		Account: accountID, Seed: 2, Epoch: now.Add(-2 * time.Hour), Conversations: f.Live, Period: time.Minute,
		// Twice as many as are sent, so that most go on all the time.
		Messages: max(20, 2*want/f.Live), Growth: time.Minute, Now: func() time.Time { return later },
	})
	mac := hmac.New(sha1.New, []byte(sandbox.DefaultWebhookSecret))
	for e := range live.Events(time.Time{}, later) {
		if len(s.events) == want {
			break
		}
		mac.Reset()
		mac.Write(e.Body)
		event := sent{body: e.Body, signature: "sha1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil))}
		if e.Message >= 0 {
			if event.name, event.sure, err = nameOf(e.Body); err != nil {
				return nil, err
			}
			s.reader.wanted[event.name.conversation] = true
		}
		s.events = append(s.events, event)
	}
	return s, nil
}

// send sends each event at its time, however long the answers take.
func (s *sender) send() error {
	stop := make(chan struct{})
	var watching, flying sync.WaitGroup
	if s.Watch {
		watching.Go(func() { s.reader.watch(stop) })
	}
	began, every := time.Now(), time.Second/time.Duration(s.Rate)
	for i := range s.events {
		due := began.Add(time.Duration(i) * every)
		time.Sleep(time.Until(due))
		flying.Go(func() { s.post(&s.events[i], due) })
	}
	flying.Wait()
	close(stop)
	watching.Wait()
	s.sum()
	return nil
}

func (s *sender) post(e *sent, due time.Time) {
	e.lag = time.Since(due)
	defer func() { e.answered = time.Now(); e.took = e.answered.Sub(due) }()
	request, err := http.NewRequest(http.MethodPost, s.URL, bytes.NewReader(e.body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Liveperson-Account-Id", accountID)
	request.Header.Set("X-Liveperson-Client-Id", sandbox.DefaultWebhookClientID)
	request.Header.Set("X-Liveperson-Signature", e.signature)
	answer, err := s.client.Do(request)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // it keeps the connection
	e.status = answer.StatusCode
}

func (s *sender) sum() {
	r := &s.result
	r.Events, r.Answers = len(s.events), map[string]int{}
	var took, lag []time.Duration
	for i := range s.events {
		e := &s.events[i]
		took, lag = append(took, e.took), append(lag, e.lag)
		r.Bytes += int64(len(e.body))
		if e.name != (named{}) {
			r.Messages++
		}
		what := "no answer"
		if e.status != 0 {
			what = fmt.Sprint(e.status)
		}
		r.Answers[what]++
	}
	r.Answer, r.Lag = spreadOf(took), spreadOf(lag)
}

// patience is how long nothing may come into the archive until what is missing
// counts as lost.
const patience = 20 * time.Second

// wait reads the archive until all that was taken has arrived, or nothing comes
// any more.
func (s *sender) wait() error {
	for last, left := time.Now(), s.missing(); left > 0 && time.Since(last) < patience; {
		more, err := s.reader.next()
		switch {
		case err != nil:
			return err
		case more:
			last, left = time.Now(), s.missing()
		default:
			time.Sleep(lookEvery)
		}
	}
	s.compare()
	return nil
}

func (s *sender) missing() (n int) {
	for i := range s.events {
		if e := &s.events[i]; e.promised() && s.reader.found[e.name] == nil {
			n++
		}
	}
	return n
}

// promised tells whether an event's message has to arrive.
func (e *sent) promised() bool { return e.sure && e.status == http.StatusOK }

func (s *sender) compare() {
	r := &s.result
	r.Lost, r.Bundles = s.missing(), s.reader.serial
	for _, a := range s.reader.found {
		r.Amendments += a.amendments
		if a.times > 1 {
			r.Twice++
		}
	}
	var late []time.Duration
	for i := range s.events {
		e := &s.events[i]
		if e.name != (named{}) && !e.sure && e.status == http.StatusOK {
			r.History++
		}
		if a := s.reader.found[e.name]; a != nil && e.promised() && s.Watch {
			late = append(late, a.at.Sub(e.answered))
		}
	}
	r.Late = spreadOf(late)
}

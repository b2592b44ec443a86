package liveperson

import (
	"context"
	"fmt"
	"net/http"
)

// elementLimit bounds one element of a section.
const elementLimit = 32 << 20

// Section streams one section of one conversation: each element of a list, or
// an object once, as received and valid during the call only. It is for
// conversations over the record limit and holds one element at a time. reset
// comes before every attempt: what an earlier one gave is void. found is false
// when the section is absent; an answer without the conversation is an error of
// ErrNoRecord. `info` is a section too.
func (c *Client) Section(ctx context.Context, id, section string, reset func(), each func(element []byte) error) (found bool, err error) {
	content := []string{section}
	if section == "info" {
		content = smallest
	}
	p, err := idPage([]string{id}, content)
	if err != nil {
		return false, err
	}
	p.op = "get section " + section
	r := sectionReader{id: id, section: section, each: each}
	got, err := c.records(ctx, p, func() { r.found = false; reset() }, r.record)
	if err == nil && got.Records == 0 {
		err = &APIError{Op: p.op, Status: http.StatusOK, Err: ErrNoRecord}
	}
	return r.found && err == nil, err
}

// sectionReader reads the section out of the answer's records.
type sectionReader struct {
	id, section string
	each        func([]byte) error
	found       bool
}

func (r *sectionReader) record(s *stream) error {
	return s.object(func(name string) error {
		if name == "info" {
			return r.info(s)
		}
		if name != r.section {
			return s.skip()
		}
		switch s.kind() {
		case '[':
			r.found = true
			return s.array(func() error { return r.element(s) })
		case '{':
			r.found = true
			return r.element(s)
		}
		return s.skip()
	})
}

// info makes sure that the answer is about the conversation asked for.
func (r *sectionReader) info(s *stream) error {
	v, err := element(s)
	if err != nil {
		return err
	}
	if id := Value(v).Get("conversationId").Text(); id != "" && id != r.id {
		return fmt.Errorf("%w: another conversation than asked for", ErrUnexpected)
	}
	if r.section != "info" {
		return nil
	}
	r.found = true
	return given(r.each(v))
}

func (r *sectionReader) element(s *stream) error {
	v, err := element(s)
	if err != nil {
		return err
	}
	return given(r.each(v))
}

func element(s *stream) ([]byte, error) {
	v, err := s.value(elementLimit)
	if err == errTooLong {
		return nil, fmt.Errorf("%w: an element of more than %d bytes", ErrTooLarge, elementLimit)
	}
	return v, err
}

package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// ErrFilesRefused is found under a refusal that concerns files only: the app
// lacks the scope, the account has no such service, or the login is of a kind
// that the service does not take. The error is then an AuthError, whose Hint says
// what to do; everything else goes on working, and so may be asked for again
// tomorrow rather than at once.
var ErrFilesRefused = errors.New("LivePerson does not let this login fetch files")

// ErrNoFileService is found under an answer that says that the account has no file
// service: the Domain API names none, or its address answers 404, as it may for a
// while when the service is in trouble.
var ErrNoFileService = errors.New("LivePerson has no file service for this account")

// Bounds of the links to one conversation's files.
const (
	linkPage     = 100     // links that are asked for at once
	maxLinks     = 10_000  // of one conversation
	maxLinkPages = 1000    // of one conversation
	linkBody     = 8 << 20 // bytes of one page
)

// ConversationFiles asks for links to all files of a conversation, in the order
// of their creation, the oldest first. Which message a link belongs to is not
// published: all there is to go by is its Path. A link that cannot be used is
// among them, with its Err.
//
// Source: Bulk File Download API, "get hosted files for conversation" (an
// early-adoption programme; bearer tokens only).
func (c *Client) ConversationFiles(ctx context.Context, conversation string) ([]Link, error) {
	if !UsableID(conversation) {
		return nil, errors.New(listFiles + ": not a conversation id")
	}
	if _, err := c.fileService(ctx); err != nil {
		return nil, err
	}
	var all linkList
	for number := range maxLinkPages {
		p, err := c.linkPage(ctx, conversation, number)
		if err != nil {
			return nil, err
		}
		more, err := all.add(p)
		if err != nil {
			return nil, &APIError{Op: listFiles, Status: http.StatusOK, Err: err}
		}
		if !more {
			return all.links, nil
		}
	}
	return nil, &APIError{Op: listFiles, Status: http.StatusOK, Err: errEndless}
}

const listFiles = "list files"

var errEndless = fmt.Errorf("%w: pages without an end", ErrUnexpected)

// fileService is where the file service is, or the refusal that says why this
// account or this login has none.
func (c *Client) fileService(ctx context.Context) (string, error) {
	refused := &AuthError{Op: listFiles, Hint: c.login.hint(readFiles), kind: ErrFilesRefused}
	if c.cfg.OAuth2 == nil {
		return "", refused
	}
	base, err := c.resolve(ctx, serviceFiles)
	if named, ok := errors.AsType[*ServiceHostError](err); ok {
		refused.Hint, refused.Err = named.Error()+": "+named.Hint(), named
		return "", refused
	}
	if err != nil && unknownService(err) {
		refused.Hint = "the Domain API names no file service (fms) for this account: " + bulkProgramme
		refused.Err = fmt.Errorf("%w: %w", ErrNoFileService, err)
		return "", refused
	}
	return base, err
}

// bulkProgramme is what to do about files that are refused.
const bulkProgramme = "ask LivePerson for the Bulk File Download programme, " +
	"see developers.liveperson.com/bulk-file-download-overview.html"

// linkPage asks for one page, counted from 0.
func (c *Client) linkPage(ctx context.Context, conversation string, number int) (p *filesPage, err error) {
	err = c.do(ctx, &call{
		op: listFiles, service: serviceFiles,
		path: "/v1/account/" + c.cfg.Account + "/conversation-files",
		query: url.Values{
			"conversationId": {conversation}, "page": {strconv.Itoa(number)}, "pageSize": {strconv.Itoa(linkPage)},
		},
		limit:    linkBody,
		files:    true,
		refusals: []int{http.StatusUnauthorized, http.StatusForbidden},
		refused:  ErrFilesRefused,
		hint:     c.login.hint(readFiles),
		read: func(a *answer) error {
			if a.status == http.StatusNoContent {
				return ErrNoContent
			}
			p = &filesPage{}
			return p.read(c, a.body)
		},
	})
	if api, ok := errors.AsType[*APIError](err); ok && api.Status == http.StatusNotFound && api.Err == nil {
		api.Err = ErrNoFileService
	}
	return p, err
}

// filesPage is one page of links.
type filesPage struct {
	links []Link
	last  bool  // so it says
	total int64 // of links on all pages, 0 when it does not say
}

// read reads {"items":[…],"pagination":{…}}. Without pagination a full page has
// a next one.
func (p *filesPage) read(c *Client, s *stream) error {
	listed, pagination := false, Value(nil)
	err := s.object(func(name string) error {
		switch {
		case name == "items" && s.kind() == '[':
			listed = true
			return s.array(func() error { return p.item(c, s) })
		case name == "items":
			return s.unexpected("items is not a list")
		case name == "pagination":
			v, err := s.value(maxMetadata)
			if err == errTooLong {
				return fmt.Errorf("%w: pagination of more than %d bytes", ErrTooLarge, maxMetadata)
			}
			pagination = append(pagination[:0], v...)
			return err
		}
		return s.skip()
	})
	switch {
	case err != nil:
		return err
	case !listed:
		return fmt.Errorf("%w: no items", ErrUnexpected)
	}
	p.last = len(p.links) < linkPage
	if pagination.IsObject() {
		next, _ := pagination.Get("nextPage").Int()
		p.last = next <= 0
		p.total, _ = pagination.Get("totalRecords").Int()
	}
	return s.end()
}

// item reads one link. What is none does not spoil the others.
func (p *filesPage) item(c *Client, s *stream) error {
	if len(p.links) == maxLinks {
		return fmt.Errorf("%w: more than %d links on a page", ErrTooLarge, maxLinks)
	}
	raw, err := s.value(6*maxLink + 2) // a character may take six in JSON
	switch {
	case err == errTooLong:
		p.links = append(p.links, Link{Err: errLongLink})
		if raw == nil {
			return s.skip()
		}
	case err != nil:
		return err
	case raw[0] != '"':
		p.links = append(p.links, Link{Err: fmt.Errorf("%w: not a string", ErrBadLink)})
	default:
		p.links = append(p.links, c.link(Value(raw).Text()))
	}
	return nil
}

// linkList puts pages together.
type linkList struct {
	links []Link
	paths map[string]bool // of links that their page had one of
	urls  map[string]bool
	stale int // pages in a row that brought nothing new
}

// add takes a page and tells whether there may be another one. The next page is
// always the next number, since published examples count from 0 in one place and
// from 1 in the other; a page that comes twice for that brings nothing new.
//
// Between two requests files may move to another page, with links that are
// signed anew: the same file, as its path is the same. But two links of one page
// are two files even with one path, which then is not what names them.
func (l *linkList) add(p *filesPage) (more bool, err error) {
	if l.urls == nil {
		l.paths, l.urls = map[string]bool{}, map[string]bool{}
	}
	had := len(l.links)
	here := map[string]int{}
	for _, link := range p.links {
		here[link.Path]++
	}
	for _, link := range p.links {
		named := link.Err == nil && here[link.Path] == 1
		if link.URL != "" && l.urls[link.URL] || named && l.paths[link.Path] {
			continue
		}
		l.urls[link.URL] = true
		if named {
			l.paths[link.Path] = true
		}
		l.links = append(l.links, link)
	}
	fresh := len(l.links) - had
	l.stale++
	if fresh > 0 {
		l.stale = 0
	}
	switch {
	case len(l.links) > maxLinks:
		return false, fmt.Errorf("%w: more than %d links", ErrTooLarge, maxLinks)
	case len(p.links) == 0, p.last && (int64(len(l.links)) >= p.total || fresh == 0):
		return false, nil
	case l.stale > 1:
		return false, errEndless
	}
	return true, nil
}

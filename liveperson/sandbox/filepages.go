package sandbox

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Storage that is in trouble gives a page in a file's place, with status 200 and any
// type. And people send texts that read like such a page.

// names are those of an account's files; a draw chooses one.
func (f *Files) names() []string {
	names := []string{"photo.jpg"}
	if f.Mixed {
		names = append(names, "screenshot.png", "statement.pdf", "notes.txt", "letter.docx")
	}
	if f.Texts {
		names = append(names, "page.html", "session.log", "reply.json", "order.xml")
	}
	return names
}

// text is what a person sent that a server could have answered, "" for other kinds.
func (c *contents) text(extension string) string {
	switch extension {
	case "html":
		return "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><p>" + c.line() + "</p></body></html>\n"
	case "log":
		return "ERROR 503: please log in again\r\n" + c.line() + "\r\n"
	case "json":
		return `{"error": {"code": 404, "message": "` + c.line() + `"}}`
	case "xml":
		return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Message>" + c.line() + "</Message></Error>\n"
	}
	return ""
}

// pageInstead answers with a page, if storage gives one in the place of the file: to
// some files always the same, to others another with each request.
func (c *call) pageInstead(p place, path string) bool {
	a := c.account
	life := a.set.Files.PagesFor
	or(&life, 3*time.Hour)
	l := a.life(p.conversation)
	if !a.ofFiles(path, 3, a.set.Files.Pages) || c.seen >= l.time(p.message)+(a.set.Files.Delay+life).Milliseconds() {
		return false
	}
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	request := fmt.Sprintf("%016x", mix(a.set.Seed^uint64(c.number)))
	own := mediaTypes[extension(path)]
	page := [...][2]string{
		{"application/xml", head + "<Error><Code>AccessDenied</Code><RequestId>" + request + "</RequestId></Error>"},
		{own, head + "<Error><Code>SlowDown</Code><RequestId>" + request + "</RequestId></Error>"},
		{own, "<Error><Code>InternalError</Code></Error>"},
		{"text/plain", "Please log in\n"},
		{"text/html; charset=utf-8", "<html><head><title>Sign in</title></head><body><form></form></body></html>"},
		{own, "<!DOCTYPE html><title>Maintenance</title><p>Please come back later. " + request},
		{"application/json", `{"error":{"code":503,"request":"` + request + `"}}`},
		{own, "Service temporarily unavailable"},
	}[draw(a.fileKey(path), saltFile, 4)%8]
	c.header().Set("Content-Type", page[0])
	c.header().Set("Content-Length", fmt.Sprint(len(page[1])))
	_, _ = io.Copy(c.to, strings.NewReader(page[1])) // there is nobody to tell
	return true
}

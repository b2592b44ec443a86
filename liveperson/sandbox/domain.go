package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
)

// services that the account has, all on the host that was asked but for those of
// Settings.Hosts.
var services = []string{"accountConfigReadOnly", "fms", "msgHist", "sentinel", "swift"}

func (a *Account) hasService(s string) bool { return s != "fms" || !a.set.Files.NoService }

// domain answers which host serves what: <service>/baseURI.json for one,
// baseURI.json for all.
func (c *call) domain() {
	c.header().Set("Content-Type", "application/json; charset=utf-8")
	o := &out{w: c.to}
	entry := func(service string) {
		o.raw(`{"service":`).str(service).raw(`,"account":`).str(c.account.set.Account)
		o.raw(`,"baseURI":`).str(cmp.Or(c.account.set.Hosts[service], c.request.Host)).raw(`}`)
	}
	if c.rest == "baseURI.json" {
		o.raw(`{"baseURIs":[`)
		separator := ""
		for _, s := range services {
			if c.account.hasService(s) {
				o.raw(separator)
				entry(s)
				separator = ","
			}
		}
		o.raw(`]}`)
		o.flush()
		return
	}
	for _, s := range services {
		if c.rest == s+"/baseURI.json" && c.account.hasService(s) {
			entry(s)
			o.flush()
			return
		}
	}
	c.refuse(http.StatusNotFound, "", "no such service")
}

// unchanged answers 304 when the caller has the current revision already.
func (c *call) unchanged() bool {
	revision := strconv.Itoa(c.account.revision(c.seen))
	c.header().Set("ac-revision", revision)
	if c.request.Header.Get("If-Match") != revision {
		return false
	}
	c.status(http.StatusNotModified)
	return true
}

// users answers with all users, or the one whose id ends the path. Deleted ones
// come only with include_deleted=true, or by id.
func (c *call) users() {
	deleted := c.request.URL.Query().Get("include_deleted") == "true"
	write := func(o *out, n int) { c.account.writeUser(o, n, c.seen) }
	c.list(users, AgentID, func(n int) bool { return deleted || !c.account.gone(n, c.seen) }, write)
}

func (c *call) skills() {
	query := c.request.URL.Query()
	deleted, full := query.Get("include_deleted") == "true", query.Get("select") != ""
	list := c.account.skillsAt(c.seen)
	write := func(o *out, n int) { writeSkill(o, n, list[n], full) }
	id := func(n int) string { return strconv.FormatInt(list[n].id, 10) }
	c.list(len(list), id, func(n int) bool { return deleted || !list[n].deleted }, write)
}

// list answers with the shown of n entities as an array, or with a single one.
func (c *call) list(n int, id func(int) string, shown func(int) bool, write func(*out, int)) {
	if c.unchanged() {
		return
	}
	c.header().Set("Content-Type", "application/json; charset=utf-8")
	o := &out{w: c.to}
	one, single := strings.CutPrefix(c.rest, "/")
	found, separator := false, "["
	for i := range n {
		switch {
		case single && id(i) == one:
			write(o, i)
			found = true
		case !single && shown(i):
			o.raw(separator)
			write(o, i)
			separator = ","
		}
	}
	if single && !found {
		c.refuse(http.StatusNotFound, "", "no such entity")
		return
	}
	if !single {
		o.raw(`]`)
	}
	o.flush()
}

// writeUser writes one user as the real API does: fullName is always empty,
// ids and booleans are strings now and then, and one carries a password hash
// that no client should keep.
func (a *Account) writeUser(o *out, n int, at int64) {
	quote := ""
	if n%4 == 1 {
		quote = `"`
	}
	code, _ := userType(n)
	g := groupOf(n)
	o.raw(`{"id":`).raw(quote).raw(AgentID(n)).raw(quote).raw(`,"pid":"`).raw(AgentPID(n))
	o.raw(`","deleted":`).raw(quote).bool(a.gone(n, at)).raw(quote)
	o.raw(`,"loginName":`).str(login(n)).raw(`,"fullName":"","nickname":`).str(a.name(n, at))
	if n == 3 {
		o.raw(`,"passwordSh":"c2FsdGVkLWhhc2g="`)
	}
	o.raw(`,"isEnabled":`).raw(quote).bool(!a.gone(n, at)).raw(quote).raw(`,"maxChats":"4","email":"user`)
	o.num(int64(n + 1)).raw(`@example.com","disabledManually":false,"skillIds":[`).num(skills[n%liveSkills].id)
	o.raw(`],"profileIds":[1],"lobIds":[],"memberOf":{"agentGroupId":"`).num(g.id)
	o.raw(`","assignmentDate":"2025-01-01 09:00:00"},"managerOf":[],"permissionGroups":["1"],"description":"","employeeId":"",`)
	o.raw(`"maxAsyncChats":"10","dateUpdated":"2025-01-01 09:00:00","isApiUser":false,"userTypeId":`).raw(code).raw(`}`)
}

// writeSkill writes id, name and deleted, which is all the real API gives
// unless more is selected.
func writeSkill(o *out, n int, s skill, full bool) {
	o.raw(`{"id":`).num(s.id).raw(`,"name":`).str(s.name).raw(`,"deleted":`).bool(s.deleted)
	if full {
		o.raw(`,"description":"","skillOrder":`).num(int64(n)).raw(`,"maxWaitTime":120,"dateUpdated":"2025-01-01 09:00:00",`)
		o.raw(`"canTransfer":true,"skillTransferList":[],"lobIds":[],"autoCloseInSeconds":0`)
	}
	o.raw(`}`)
}

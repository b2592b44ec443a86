package smtp

import "strings"

// hintOAuth is for servers that take no password any more.
const hintOAuth = "the server no longer takes passwords (basic authentication): let the archive admit this host by its address or a client certificate, without smtp.username, or send through a relay of the firm's that does OAuth (XOAUTH2)"

const (
	hintSPF     = "the SPF record of the domain in smtp.sender does not admit this host: let the firm's mail people add its address, or send through the firm's relay"
	hintDKIM    = "the archive wants mails that are signed (DKIM): send through the firm's relay, which signs, or ask the archive to take unsigned ones from this host"
	hintDMARC   = "the archive checks SPF, DKIM and DMARC, and the domains of From fail them: ask the archive to take mails of this host (by its address, or smtp.sender) without these checks"
	hintAddress = "the archive does not take mails from the address of this host: ask it to put the address on its allow list, or send through the firm's relay"
	hintReverse = "the address of this host has no name, or one that does not lead back to it: let the firm's network people set its reverse DNS (PTR) record"
	hintLogin   = "the login was refused: check smtp.username and smtp.password, and whether the account may send by SMTP"
	hintTLS     = "the server wants TLS first: set smtp.tls: starttls, or tls with port 465"
	hintRate    = "the archive says that too much came at once: ask it for a higher limit for this host"
)

// advice says what a person can do about a refusal, by its enhanced status: the
// second and third part of it. The registry is RFC 5248's, with RFC 4954 for logins
// and RFC 7372 for what is authenticated; from .7.30 on they are Microsoft's.
var advice = map[string]string{
	".7.3":   hintLogin,
	".7.8":   hintLogin,
	".7.9":   "the server wants a stronger login: a password made for this program (an app password), or OAuth, which lpexport does not do",
	".7.10":  hintTLS,
	".7.11":  hintTLS,
	".7.20":  hintDKIM,
	".7.21":  hintDKIM,
	".7.22":  hintDKIM,
	".7.23":  hintSPF,
	".7.24":  hintSPF,
	".7.25":  hintReverse,
	".7.26":  hintDMARC,
	".7.27":  "the domain of smtp.sender takes no mail (null MX): set smtp.sender to a mailbox that exists",
	".7.28":  hintRate,
	".7.30":  hintOAuth,
	".7.57":  "the server wants a login, or a connector that knows this host: set smtp.username and smtp.password, or ask the archive to admit the address of this host",
	".7.64":  "no connector of the archive's knows this host: ask it to admit the address of this host, or the name in its client certificate",
	".7.139": hintOAuth,
	".7.508": hintRate,
	".7.509": hintDMARC,
	".7.511": hintAddress,
	".7.515": hintDMARC,
	".7.6xx": hintAddress,
	".7.7xx": hintAddress,
	".7.750": "the domain of smtp.sender is not registered with the archive: ask it to accept it",
}

// adviceOn is the advice on a status, "" where there is none. Microsoft has a row of
// numbers for blocked addresses.
func adviceOn(why string) string {
	hint, known := advice[why]
	if row := len(".7.6xx"); !known && len(why) == row && strings.HasPrefix(why, ".7.") {
		return advice[why[:row-2]+"xx"]
	}
	return hint
}

// policy is the same for refusals of a mail that say no more than that a policy is
// the reason. Before a mail, where in the dialogue they come says more.
var policy = map[string]string{
	".7.0": hintPolicy,
	".7.1": hintPolicy,
	".7.2": "the archive's address does not take mails from everybody: ask it to let smtp.sender write to smtp.recipient",
}

const hintPolicy = "a policy of the archive's refuses it: ask it to take mails of this host and of smtp.sender as they are, without checks for spam, relaying or who is in From"

package filedump

// ReadUpTo is Read with another MaxConversation.
var ReadUpTo = readUpTo

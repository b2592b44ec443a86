package liveperson

import "bytes"

// ReadStatus reads which message an element of messageStatuses is about: its
// dialog as the status names it, which it may not, and its number. Official
// samples name another dialog than the message itself has. ok is false when no
// number can be made out.
func ReadStatus(v Value) (dialog Value, sequence int64, ok bool) {
	var id Value
	v.Fields(func(name []byte, v Value) bool {
		switch string(name) {
		case "seq":
			sequence, ok = v.Int()
		case "dialogId":
			dialog = v
		case "messageId":
			id = v
		}
		return true
	})
	if !ok || sequence < 0 {
		_, sequence = SplitMessageID(id.Text())
		ok = sequence >= 0
	}
	return dialog, sequence, ok
}

// ScanStatuses calls yield with what ReadStatus reads of each element of
// messageStatuses, the dialog only with dialogs, and goes past all else in it: a
// record has about as many statuses as messages. sure is false when the list has
// another shape than LivePerson documents; then ReadStatus reads each.
func ScanStatuses(list Value, dialogs bool, yield func(dialog Value, sequence int64)) (sure bool) {
	if !list.IsArray() {
		return !list.Present()
	}
	if bytes.IndexByte(list, '\\') >= 0 {
		return false // without one, nothing inside a string looks like a member's name
	}
	found := false
	for i := 0; ; {
		// q is rare in the names, ids and times of a status.
		n := bytes.IndexByte(list[i:], 'q')
		if n < 0 {
			return found || bytes.IndexByte(list, '{') < 0
		}
		i += n + 1
		if i < 5 || string(list[i-4:i]) != `"seq` || list[i] != '"' {
			continue
		}
		colon := skipSpace(list, i+1)
		if list[colon] != ':' {
			continue
		}
		sequence, ok := digits(list, skipSpace(list, colon+1))
		if !ok {
			return false
		}
		var dialog Value
		if dialogs {
			if dialog = scanDialog(list[i:]); dialog == nil {
				return false
			}
		}
		found = true
		yield(dialog, sequence)
	}
}

// scanDialog finds the dialogId that ends an element, as all that are known do; nil
// when it is elsewhere.
func scanDialog(rest Value) Value {
	const name = `"dialogId":`
	end := bytes.IndexByte(rest, '}') - 1
	if end < 1 || rest[end] != '"' {
		return nil
	}
	start := end - len(`"01234567-89ab-cdef-0123-456789abcdef`) // as nearly all are
	if start < 1 || rest[start] != '"' || rest[start-1] != ':' {
		start = bytes.LastIndexByte(rest[:end], '"')
	}
	if start < len(name) || string(rest[start-len(name):start]) != name {
		return nil
	}
	return rest[start : end+1]
}

// digits is a plain number, or one in quotes, of at most 18 digits.
func digits(v Value, i int) (n int64, ok bool) {
	quoted := i < len(v) && v[i] == '"'
	if quoted {
		i++
	}
	start := i
	for ; i < len(v) && v[i] >= '0' && v[i] <= '9'; i++ {
		n = n*10 + int64(v[i]-'0')
	}
	if i == start || i-start > 18 || i == len(v) {
		return 0, false
	}
	if quoted {
		return n, v[i] == '"'
	}
	return n, v[i] == ',' || v[i] == '}' || skipSpace(v, i) > i
}

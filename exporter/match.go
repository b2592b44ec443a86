package exporter

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"lpexport/exporter/checkpoint"
	"lpexport/liveperson"
)

// find is a file that a message names, and the link under which it was found.
type find struct {
	file   *sought
	link   *liveperson.Link // nil: LivePerson lists none
	unsure bool             // several links may be it, or it may be several files'
}

// match finds the links of files by their names: the path that the message has,
// a path that ends in it, or the last part of it where that holds a UUID. Nothing
// is guessed: a name that fits two is nobody's. What no name tells is in others.
func match(files []*sought, links []liveperson.Link) (finds []find, others []liveperson.Link) {
	finds = make([]find, len(files))
	for i := range files {
		finds[i].file = files[i]
	}
	taken := make([]bool, len(links))
	for _, names := range []naming{wholePaths(), pathEnds(files), uuidParts()} {
		matchBy(names, finds, links, taken)
	}
	for k, l := range links {
		if !taken[k] {
			others = append(others, l)
		}
	}
	return finds, others
}

// naming is one way in which a link's path may name a file: one of the link's names
// is the file's. "" is no name.
type naming struct {
	file  func(path string) string
	links func(path string) []string
}

// matchBy finds the links of files that have none yet by one way of naming.
func matchBy(names naming, finds []find, links []liveperson.Link, taken []bool) {
	byName := map[string][]int{} // files
	for i := range finds {
		if name := names.file(finds[i].file.Path); finds[i].link == nil && name != "" {
			byName[name] = append(byName[name], i)
		}
	}
	fits := make([][]int, len(finds)) // links of each file
	claims := make([]int, len(links)) // how many files fit each link
	for k := range links {
		if taken[k] {
			continue
		}
		for _, name := range names.links(links[k].Path) {
			for _, i := range byName[name] {
				fits[i] = append(fits[i], k)
				claims[k]++
			}
		}
	}
	for i := range fits {
		if len(fits[i]) == 1 && claims[fits[i][0]] == 1 {
			finds[i].link, finds[i].unsure, taken[fits[i][0]] = &links[fits[i][0]], false, true
		} else if len(fits[i]) > 0 {
			finds[i].unsure = true
		}
	}
}

func wholePaths() naming {
	whole := func(path string) string { return "/" + strings.TrimLeft(path, "/") }
	return naming{whole, func(path string) []string { return []string{whole(path)} }}
}

// pathEnds compares the ends of a link's path that have as many parts as the path of
// some file.
func pathEnds(files []*sought) naming {
	var parts []int
	end := func(path string) string {
		if path = strings.TrimLeft(path, "/"); path == "" {
			return ""
		}
		return "/" + path
	}
	for _, f := range files {
		if n := strings.Count(end(f.Path), "/"); n > 0 && !slices.Contains(parts, n) {
			parts = append(parts, n)
		}
	}
	return naming{end, func(path string) (ends []string) {
		at := len(path)
		for n := 1; at > 0; n++ {
			if at = strings.LastIndexByte(path[:at], '/'); at >= 0 && slices.Contains(parts, n) {
				ends = append(ends, path[at:])
			}
		}
		return ends
	}}
}

func uuidParts() naming {
	return naming{uuidPart, func(path string) []string { return []string{uuidPart(path)} }}
}

// uuidPart is the last part of a path where it holds a UUID, else "".
func uuidPart(p string) string {
	if last := path.Base(p); uuidInside.MatchString(last) {
		return last
	}
	return ""
}

var uuidInside = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// bearNames tells whether links bear the names of messages' files: one of them does,
// or did, or has a path as these have, of a message that is not captured yet.
func bearNames(finds []find, links []liveperson.Link) bool {
	uuids, folders := false, map[string]bool{}
	for _, one := range finds {
		if one.link != nil || one.unsure || one.file.State == checkpoint.FileKept {
			return true
		}
		uuids = uuids || uuidPart(one.file.Path) != ""
		folders[folder(one.file.Path)] = true
	}
	return slices.ContainsFunc(links, func(l liveperson.Link) bool {
		return uuids && uuidPart(l.Path) != "" || folder(l.Path) != "" && folders[folder(l.Path)]
	})
}

// folder is the part of a path that a file shares with others, "" for none.
func folder(p string) string { return strings.Trim(path.Dir("/"+p), "/") }

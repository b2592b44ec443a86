package sandbox

import "strconv"

// skillsAt are all skills there have been by then, deleted ones too.
func (a *Account) skillsAt(at int64) []skill {
	var list []skill
	for n := range skills {
		list = append(list, a.skillAt(n, at))
	}
	for _, c := range a.changed.Load().skills {
		if c.Kind == NewSkill && c.At.UnixMilli() <= at {
			list = append(list, a.skillAt(c.Skill, at))
		}
	}
	return list
}

func (a *Account) skillAt(n int, at int64) skill {
	s := skill{id: skillNumber(n), name: a.skillName(n, at)}
	if n < len(skills) {
		s.deleted = skills[n].deleted
	}
	for _, c := range a.changed.Load().skills {
		if c.Kind == DeleteSkill && c.Skill == n && c.At.UnixMilli() <= at {
			s.deleted = true
		}
	}
	return s
}

// skillName is what skill n is called at that time.
func (a *Account) skillName(n int, at int64) string {
	name := "Skill " + strconv.Itoa(n)
	if n < len(skills) {
		name = skills[n].name
		if a.set.Hostile {
			name += " " + hostile[len(hostile)-1-n]
		}
	}
	for _, c := range a.changed.Load().skills {
		if c.Skill == n && c.Kind != DeleteSkill && c.At.UnixMilli() <= at {
			name = c.Text
		}
	}
	return name
}

// newSkills puts a third of the conversations that start after a NewSkill into it.
func (a *Account) newSkills(l *life) {
	for _, c := range a.changed.Load().skills {
		if c.Kind == NewSkill && c.At.UnixMilli() <= l.start && l.oneIn(3, saltSkill, c.Skill) {
			l.skills[1] = c.Skill
		}
	}
}

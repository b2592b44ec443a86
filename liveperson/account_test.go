package liveperson

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	f := newFake(t)
	f.on(usersPath, body(`[
		{"id":"987","pid":"p-1","deleted":"true","loginName":"ann@x","fullName":"","nickname":"Ann","email":"a@x","userTypeId":2,"passwordSh":"hush"},
		{"id":3677470410,"deleted":false,"userTypeId":"1"},
		{"id":5,"userTypeId":9,"nickname":null}]`))
	c, _ := f.client()
	got, err := c.Users(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []User{
		{ID: "987", PID: "p-1", Login: "ann@x", Nickname: "Ann", Email: "a@x", Deleted: true, Type: "2"},
		{ID: "3677470410", Type: "1"},
		{ID: "5"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), "hush") {
		t.Error("the password hash was kept")
	}
	if q := f.asked(usersPath)[0].query; q != "include_deleted=true&v=6.0" {
		t.Errorf("query %s", q)
	}
}

func TestSkills(t *testing.T) {
	f := newFake(t)
	f.on(skillsPath, body(`[{"id":12,"name":"Sales","deleted":false},{"id":"-1","name":"Unassigned","deleted":"true"}]`))
	c, _ := f.client()
	got, err := c.Skills(context.Background())
	want := []Skill{{ID: "12", Name: "Sales"}, {ID: "-1", Name: "Unassigned", Deleted: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if q := f.asked(skillsPath)[0].query; !strings.HasPrefix(q, "include_deleted=true&v=") {
		t.Errorf("query %s", q)
	}
}

// A list that was cut is asked for again and holds nobody twice.
func TestListIsRepeated(t *testing.T) {
	const list = `[{"id":1},{"id":2}]`
	for name, bad := range map[string]http.HandlerFunc{
		"cut": cut(list, 12), "short": body(list[:12]), "more": body(list + "]"), "object": body(`{"users":[]}`),
		"not objects": body(`[{"id":1},"x"]`), "empty": status(200), "204": status(204), "503": status(503),
	} {
		f := newFake(t)
		f.on(usersPath, bad, body(list))
		c, _ := f.client()
		if got, err := c.Users(context.Background()); err != nil || len(got) != 2 {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if n := len(f.asked(usersPath)); n != 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
	f := newFake(t)
	f.on(usersPath, body(`[{"x":"`+strings.Repeat("x", entityLimit)+`"}]`))
	c, _ := f.client()
	if got, err := c.Users(context.Background()); !errors.Is(err, ErrTooLarge) || got != nil {
		t.Errorf("endless user: %v %v", got, err)
	}
}

func TestOfficialUserAndSkills(t *testing.T) {
	const samples = "../../shared/samples/"
	user, err := os.ReadFile(samples + "user.json")
	if err != nil {
		t.Skip("the official samples are not here")
	}
	f := newFake(t)
	f.on(usersPath, body("["+string(user)+"]"))
	c, _ := f.client()
	users, err := c.Users(context.Background())
	want := []User{{ID: "987654321", Login: "unique@gmail.com", Nickname: "agent1", Email: "myEmail@gmail.com", Type: "1"}}
	if diff := cmp.Diff(want, users); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, file := range []string{"skill.json", "skill-2021.json"} {
		skill, err := os.ReadFile(samples + file)
		if err != nil {
			t.Fatal(err)
		}
		f.on(skillsPath, body("["+string(skill)+"]"))
		skills, err := c.Skills(context.Background())
		if diff := cmp.Diff([]Skill{{ID: "326244912", Name: "skillName1448453890425", Deleted: true}}, skills); diff != "" || err != nil {
			t.Error(file, diff, err)
		}
	}
}

package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/orchestrator"
)

func testUsers(t *testing.T, f *fixture) {
	ctx := t.Context()
	bob, alice := f.user(t, "bob"), f.user(t, "alice")
	if alice.ID == 0 || alice.ID == bob.ID {
		t.Fatalf("ids %d and %d", alice.ID, bob.ID)
	}
	found, err := f.User(ctx, "alice")
	must(t, err)
	if diff := cmp.Diff(alice, found); diff != "" {
		t.Fatal(diff)
	}
	if _, err := f.User(ctx, "carol"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("unknown user: %v", err)
	}
	if _, err := f.AddUser(ctx, User("alice")); !errors.Is(err, orchestrator.ErrExists) {
		t.Fatalf("second alice: %v", err)
	}

	changed := orchestrator.User{ID: bob.ID, Name: "robert", Timezone: "Asia/Tokyo", Source: "folder:/r", Priority: 1}
	must(t, f.UpdateUser(ctx, changed))
	users, err := f.Users(ctx)
	must(t, err)
	if diff := cmp.Diff([]orchestrator.User{changed, alice}, users); diff != "" {
		t.Fatal(diff)
	}
	changed.Name = "alice"
	if err := f.UpdateUser(ctx, changed); !errors.Is(err, orchestrator.ErrExists) {
		t.Fatalf("name of another: %v", err)
	}
	changed.Name, changed.ID = "nobody", 999
	if err := f.UpdateUser(ctx, changed); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Fatalf("unknown id: %v", err)
	}
}

func testUserValidation(t *testing.T, f *fixture) {
	alice := f.user(t, "alice")
	for name, spoil := range map[string]func(*orchestrator.User){
		"name":      func(u *orchestrator.User) { u.Name = "Alice B." },
		"zone":      func(u *orchestrator.User) { u.Timezone = "Mars/Olympus" },
		"source":    func(u *orchestrator.User) { u.Source = "" },
		"threshold": func(u *orchestrator.User) { u.Threshold = 1.5 },
	} {
		user := alice
		spoil(&user)
		if err := f.UpdateUser(t.Context(), user); err == nil {
			t.Errorf("%s: the update is accepted", name)
		}
		if name != "name" {
			user.Name += "2"
		}
		if _, err := f.AddUser(t.Context(), user); err == nil {
			t.Errorf("%s: the new user is accepted", name)
		}
	}
	users, err := f.Users(t.Context())
	must(t, err)
	if diff := cmp.Diff([]orchestrator.User{alice}, users); diff != "" {
		t.Fatal(diff)
	}
}

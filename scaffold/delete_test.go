package scaffold

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/scaffold/tree"
)

func TestDeletingIsCreatingBackwards(t *testing.T) {
	webhooks := []string{"--defaulting", "--programmatic-validation"}
	for _, test := range []struct {
		name    string
		project []string
		before  func(t *testing.T, dir string) // what is there, and stays
		create  func(t *testing.T, dir string)
		delete  Command
	}{
		{
			name:   "of the only kind",
			create: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Website")...) },
			delete: DeleteAPI(),
		},
		{
			name:   "of one kind of two",
			before: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Page")...) },
			create: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Website")...) },
			delete: DeleteAPI(),
		},
		{
			name:   "of a kind with kubebuilder's own controller",
			create: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Website", "--plain")...) },
			delete: DeleteAPI(),
		},
		{
			name: "of a kind with webhooks, beside one with webhooks",
			before: func(t *testing.T, dir string) {
				do(t, dir, CreateAPI(), kind("Page")...)
				do(t, dir, CreateWebhook(), kind("Page", webhooks...)...)
			},
			create: func(t *testing.T, dir string) {
				do(t, dir, CreateAPI(), kind("Website")...)
				do(t, dir, CreateWebhook(), kind("Website", webhooks...)...)
			},
			delete: DeleteAPI(),
		},
		{
			name:   "of webhooks",
			before: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Website")...) },
			create: func(t *testing.T, dir string) { do(t, dir, CreateWebhook(), kind("Website", webhooks...)...) },
			delete: DeleteWebhook(),
		},
		{
			name:    "in a project of several groups",
			project: []string{"--multigroup"},
			before: func(t *testing.T, dir string) {
				do(t, dir, CreateAPI(), "--group", "shop", "--version", "v1", "--kind", "Cart", "--make=false")
			},
			create: func(t *testing.T, dir string) { do(t, dir, CreateAPI(), kind("Website", "--namespaced=false")...) },
			delete: DeleteAPI(),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newProject(t, test.project...)
			if test.before != nil {
				test.before(t, dir)
			}
			before := read(t, dir)
			test.create(t, dir)
			created := read(t, dir)
			result := do(t, dir, test.delete, kind("Website")...)
			if diff := tree.Compare(before, read(t, dir)).Diff(); diff != "" {
				t.Errorf("from before creation to after deletion:\n%s", diff)
			}
			for _, note := range result.Notes {
				if strings.Contains(note, "see to it") {
					t.Error(note)
				}
			}
			if cmp.Equal(before, created) {
				t.Error("creation changed nothing")
			}
		})
	}
}

func TestDeletionOfWhatWasEdited(t *testing.T) {
	const plan = "internal/controller/website/plan.go"
	dir := newProject(t)
	do(t, dir, CreateAPI(), kind("Website")...)
	write(t, dir, plan, read(t, dir)[plan].Content+"\n// worked on\n")
	before := read(t, dir)

	_, err := try(t, dir, DeleteAPI(), kind("Website")...)
	if err == nil || !strings.Contains(err.Error(), plan) || !strings.Contains(err.Error(), "--force") || strings.Contains(err.Error(), "observe.go") {
		t.Errorf("got %v, want the file that was edited, and no other", err)
	}
	if diff := cmp.Diff(before, read(t, dir)); diff != "" {
		t.Errorf("the project has changed (-before +after):\n%s", diff)
	}

	do(t, dir, DeleteAPI(), kind("Website", "--force")...)
	if left, found := read(t, dir)[plan]; found {
		t.Errorf("by force, %s is left:\n%s", plan, left.Content)
	}
}

func TestLinesThatWereEditedAreLeftAndNamed(t *testing.T) {
	const main = "cmd/main.go"
	dir := newProject(t)
	do(t, dir, CreateAPI(), kind("Website")...)
	write(t, dir, main, strings.ReplaceAll(read(t, dir)[main].Content, "Failed to add loop", "No loop"))

	result := do(t, dir, DeleteAPI(), kind("Website")...)
	notes := strings.Join(result.Notes, "\n")
	if !strings.Contains(notes, main+" was edited") || !strings.Contains(notes, "websitecontroller.Loop()") {
		t.Errorf("the notes are %q, want the lines of %s that are left", notes, main)
	}
	if text := read(t, dir)[main].Content; !strings.Contains(text, "websitecontroller.Loop()") {
		t.Errorf("the lines that were edited are gone from %s:\n%s", main, text)
	}
}

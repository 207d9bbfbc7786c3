package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
)

func TestACheckpointIsReadAsItWasWrittenLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	got := map[string]int{"untouched": 1}
	if found, err := Read(path, &got); found || err != nil || got["untouched"] != 1 {
		t.Errorf("where nothing was written: %v, %v, %v", found, err, got)
	}
	for i := range 2 {
		if err := Write(path, map[string]int{"written": i}); err != nil {
			t.Fatal(err)
		}
	}
	got = nil
	if found, err := Read(path, &got); !found || err != nil || len(got) != 1 || got["written"] != 1 {
		t.Errorf("what was written is read as %v, %v, %v", found, err, got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want -rw-------", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("something else is left beside it: %v, %v", entries, err)
	}
}

func TestACheckpointThatIsNoneIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if found, err := Read(path, &got); found || err == nil {
		t.Errorf("half a file is read as %v, %v", got, err)
	}
	if err := Write(filepath.Join(path, "below"), got); err == nil {
		t.Error("what cannot be written is no error")
	}
}

func TestWhatAnotherPolicyHasKeptIsNotTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var got struct {
		Policy string `json:"policyName"`
		Set    string `json:"set"`
	}
	if found, err := ReadUnder("static", path, &got); found || err != nil {
		t.Errorf("where nothing is kept: %v, %v", found, err)
	}
	if err := Unused("none", path, "static"); err != nil {
		t.Errorf("where nothing is kept: %v", err)
	}
	if err := Write(path, map[string]string{"policyName": "static", "set": "0-3"}); err != nil {
		t.Fatal(err)
	}
	if found, err := ReadUnder("static", path, &got); !found || err != nil || got.Set != "0-3" {
		t.Errorf("what the same policy has kept is read as %v, %v, %v", found, err, got)
	}
	const want = `configured policy "other" differs from state checkpoint policy "static"`
	if _, err := ReadUnder("other", path, &got); err == nil || err.Error() != want {
		t.Errorf("another policy is told %v, want %s", err, want)
	}
	if err := Unused("none", path, "static"); err == nil {
		t.Error("no policy begins where containers have something by one")
	}
}

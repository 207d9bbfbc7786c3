package instance

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestSettingsThatAreDamagedSayWhatWhereAndWhatToDo(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, file string){
		"garbled":           func(t *testing.T, file string) { write(t, file, "{garbled") },
		"emptied":           func(t *testing.T, file string) { write(t, file, "") },
		"without addresses": func(t *testing.T, file string) { write(t, file, "{}") },
		"removed, while the data are there": func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inst := prepared(t, t.TempDir(), "orrery")
			if _, err := inst.Settle(); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(inst.Path("apiserver", "pki"), 0o700); err != nil {
				t.Fatal(err)
			}
			damage(t, inst.Path("settings.json"))
			_, err := inst.Settle()
			var damaged *DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("Settle = %v, want a DamagedError", err)
			}
			for _, want := range []string{inst.Path("settings.json"), "damaged", inst.Command("reset --yes")} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

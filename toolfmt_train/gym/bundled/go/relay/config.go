package relay

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Config is read from a JSON file.
type Config struct {
	Listen  string        `json:"listen"`
	Targets []string      `json:"targets"`
	Limit   int           `json:"limit"`
	Wait    time.Duration `json:"wait"`
}

// ReadConfig reads and checks the file at path.
func ReadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	config := &Config{Limit: 16, Wait: 5 * time.Second}
	if err := json.Unmarshal(data, config); err != nil {
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	return config, nil
}

func (c *Config) check() error {
	if c.Listen == "" {
		return fmt.Errorf("config: listen is missing")
	}
	for i, target := range c.Targets {
		if !strings.Contains(target, ":") {
			return fmt.Errorf(
				"config: targets[%d]: expected host:port, got %q",
				i,
				target,
			)
		}
	}
	return nil
}

// String is what the log shows: "fmt.Sprintf(...)" of the parts.
func (c *Config) String() string {
	return fmt.Sprintf("%s → %s (at most %d)", c.Listen, strings.Join(c.Targets, ", "), c.Limit)
}

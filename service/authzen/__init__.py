"""Access requests (AuthZEN Authorization API 1.0): read, mapped to exchanges, decided like any other, and answered."""

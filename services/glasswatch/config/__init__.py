"""Settings: the defaults of every detector as data, and profiles that change some of them."""

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Texts with a password in every place where somebody has put one, whether they can be read as an address or not.
/// Nothing that is said of any of them may repeat it.
namespace portolan {

/// A part of every password, which no output may hold.
inline constexpr std::string_view secretMark = "hunter2";

inline std::vector<std::string> textsWithSecrets()
{
    const std::vector<std::string> secrets{
        "hunter2",        "hunter2/x",     "x/hunter2",       "hunter2?x",   "x?hunter2",    "hunter2#x",
        "x#hunter2",      "x@hunter2",     "hunter2@hunter2", "x:hunter2",   "12/hunter2",   "12 hunter2",
        "x hunter2",      "hunter2 x",     "x,hunter2",       "x;hunter2",   "x&hunter2",    "x%hunter2",
        "hunter2%zz",     "hunter2%40x",   "[hunter2",        "x]hunter2",   "'hunter2",     "it's hunter2",
        "x\"hunter2",     "x|hunter2",     "x<hunter2",       "\\hunter2",   "x\\hunter2",   "x=hunter2==",
        "hunter2\u200bx", "\u200bhunter2", "\u00e4hunter2",   "x\thunter2",  "//hunter2",    "x//hunter2",
        "-hunter2",       "+/hunter2=",    "x?y=hunter2",     "x&y@hunter2", "$(hunter2)@x", "hunter2\r"};
    const std::vector<std::string> shapes{"redis://:{}@h:6379/0",
                                          "redis://u:{}@h",
                                          "redis:/:{}@h",
                                          "redis:{}@h",
                                          "redis://:{}",
                                          "redis://h:{}",
                                          "redis:{}",
                                          "redis:/:{}",
                                          "rediss://:{}@[::1]:6379/0",
                                          "unix://u:{}@/run/redis.sock",
                                          "redis://h/0?password={}",
                                          "redis://h/0?db=1&password={}&socket_timeout=5",
                                          "redis://h/0?pass={}",
                                          "redis://h/0?ssl_keyfile_password={}",
                                          "redis-sentinel://:{}@h",
                                          "redis+cluster://:{}@h",
                                          "postgresql://u:{}@h:5432/x?sslmode=require",
                                          "postgresql://u:{}@h1:5432,h2:5432/x",
                                          "postgresql:///x?host=h&password={}",
                                          "postgresql:u:{}@h/x",
                                          "mysql://u:{}@h/x",
                                          "jdbc:postgresql://u:{}@h/x",
                                          "jdbc:sqlite://u:{}@h/x",
                                          "sqlite+x://:{}@/app.db",
                                          "sqlite://u:{}@app.db",
                                          "sqlite://u:{}",
                                          "host=h password={} dbname=x",
                                          "host=h password='{}' dbname=x",
                                          "host=h password = {}",
                                          "https://u:{}@portal.example",
                                          "https://u:{}@portal.example/",
                                          "\"https://u:{}@portal.example\"",
                                          "[\"https://u:{}@portal.example\"]",
                                          "https://a.example|https://u:{}@b.example",
                                          "http://u:{}@10.0.0.1",
                                          "http://10.0.0.1/?token={}",
                                          "http://10.0.0.1/?api_key={}&x=1",
                                          "htps://u:{}@a.example",
                                          "https:u:{}@a.example",
                                          "u:{}@127.0.0.1:8080",
                                          ":{}@h"};
    std::vector<std::string> texts;
    for (const auto &shape : shapes)
        for (const std::string_view secret : secrets) {
            // Without a host these are addresses of one: with an '@', and a port with a path, or in a list.
            const bool hostless = shape.ends_with(":{}");
            if (hostless && (secret.find('@') != secret.npos || secret.starts_with("12") || secret.starts_with("//")))
                continue;
            std::string text = shape;
            text.replace(text.find("{}"), 2, secret);
            texts.push_back(std::move(text));
        }
    return texts;
}

} // namespace portolan

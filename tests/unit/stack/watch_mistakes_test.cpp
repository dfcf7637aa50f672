// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/stack/watch_file.h"
#include "tests/fakes/texts_with_secrets.h"

#include <sys/stat.h>

#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <ctime>
#include <fstream>

using namespace portolan;
using namespace portolan::stack;

/// What is wrong with a deployment's file, and how it is told.
class WatchMistakesTest final : public QObject
{
    Q_OBJECT
private slots:
    void saysWhatIsWrong_data();
    void saysWhatIsWrong();
    void takesWhatIsRight_data();
    void takesWhatIsRight();
    void saysAllAtOnce();
    void staysQuick_data();
    void staysQuick();
    void repeatsNoSecret_data();
    void repeatsNoSecret();
    void refusesTheKeychainInADaemon();
    void runsProgramsOfItsOwnersFileAlone();
    void readsATierBesideIt();
    void saysThatThereIsNoFile();
};

namespace {

std::string mistakesOf(const std::string &text, ReadFor who = ReadFor::Console)
{
    std::string all;
    for (const auto &mistake : parseWatchFile(text, "shop.toml", who).mistakes)
        all += (all.empty() ? "" : "\n") + mistake.text();
    return all;
}

const std::string redisPart = "[redis]\nurl = 'redis://h'\n";

void write(const QString &path, const std::string &text, mode_t mode)
{
    std::ofstream(path.toStdString()) << text;
    QVERIFY(::chmod(path.toUtf8().constData(), mode) == 0);
}

} // namespace

void WatchMistakesTest::saysWhatIsWrong_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("said");
    const auto row = [](const char *name, const std::string &text, const char *said) {
        QTest::newRow(name) << QByteArray::fromStdString(text) << QByteArray(said);
    };
    const auto named = [&](const char *name, const std::string &text, const char *said) {
        row(name, "name = 'shop'\n" + text, said);
    };
    const auto redis = [&](const char *name, const std::string &rest, const char *said) {
        row(name, "name = 'shop'\n[redis]\nurl = 'redis://h'\n" + rest, said);
    };
    const auto probe = [&](const char *name, const std::string &url, const char *said) {
        row(name, "name = 'shop'\n[[probe]]\nurl = '" + url + "'\n", said);
    };
    row("no TOML", "name = shop", "shop.toml:1: what stands behind = is no value; a text stands in quotes");
    row("open quote", "name = \"shop\n", "shop.toml:1: a text ends on its line, with the quote it began with");
    row("empty", "", "shop.toml: name: is missing\nshop.toml: it names nothing to watch. Write [redis]");
    row("no name", redisPart, "shop.toml: name: is missing");
    named("nothing", "", "shop.toml: it names nothing to watch");
    redis("slip", "urll = 'x'\n", "shop.toml:4: redis.urll: unknown key; did you mean url?");
    named("slip of a table", "[reddis]\nurl = 'x'\nthrough = 'y'\n",
          "shop.toml:2: reddis: unknown table; did you mean redis?");
    named("slip at the top", "poduction = true\n" + redisPart,
          "shop.toml:2: poduction: unknown key; did you mean production?");
    redis("close only by what is before it", "password_file = '/x'\nx = 1\n",
          "shop.toml:4: redis.password_file: unknown key\nshop.toml:5");
    redis("unknown inner table", "[redis.pool]\nsize = 3\n", "shop.toml:4: redis.pool: unknown table");
    named("a table that is none", "redis = 'redis://h'\n", "shop.toml:2: redis: it is a table. Write [redis].");
    named("tables that are none", redisPart + "probe = []\n", "shop.toml:4: redis.probe: unknown key");
    row("probe that is none", "probe = []\nname = 'shop'\n" + redisPart,
        "shop.toml:1: probe: it is a table. Write [[probe]].");
    named("redis twice", "[[redis]]\nurl = 'redis://h'\n", "shop.toml:2: redis: it is written once. Write [redis].");
    redis("key of a tier", "maxmemory = '30MB'\n",
          "shop.toml:4: redis.maxmemory: it belongs into a tier's file. Name that");
    named("no url", "[redis]\nthrough = 'direct'\n", "shop.toml:2: redis.url: is missing");
    named("empty table", "redis = {}\n", "shop.toml:2: redis.url: is missing");
    redis("list for a value", "through = ['direct']\n", "shop.toml:4: redis.through: write one value, not a list");
    redis("value for a list", "[celery]\nqueues = 'mail'\n", "shop.toml:5: celery.queues: write a list");
    row("bad name", "name = '../shop'\n" + redisPart, "shop.toml:1: name: it begins or ends with a blank");
    named("flag", "production = 1\n" + redisPart, "shop.toml:2: production: write true or false");
    redis("flag in text", "cluster = 'auto'\n", "shop.toml:4: redis.cluster: write true or false");
    redis("too many connections", "connections = 3\n",
          "shop.toml:4: redis.connections: write a whole number from 1 to 2");
    redis("negative connections", "connections = -1\n",
          "shop.toml:4: redis.connections: write a whole number from 1 to 2");
    redis("renewed too often", "password = 'env:X'\npassword_renew = '10s'\n",
          "shop.toml:5: redis.password_renew: write a time from \"1m\" to \"1d\"");
    redis("no password to renew", "password_renew = '10m'\n", "shop.toml:4: redis.password: is missing");
    named("user without password", "[redis]\nurl = 'redis://u@h'\n",
          "shop.toml:3: redis.password: is missing: the URL names a user");
    named("scheme", "[redis]\nurl = 'http://h'\n", "its scheme 'http' is none of redis, rediss and unix");
    named("sentinel scheme", "[redis]\nurl = 'redis+sentinel://h/m'\n",
          "Write redis:// or rediss://, and the sentinels as");
    named("weaker TLS", "[redis]\nurl = 'rediss://h?ssl_cert_reqs=none'\n", "name the authority's file in ca");
    named("authority in the URL", "[redis]\nurl = 'rediss://h?ssl_cert_reqs=required&ssl_ca_certs=/x.pem'\n",
          "shop.toml:3: redis.url: it names files of certificates. Take them out, and name them beside the URL");
    named("option for a host", "[redis]\nurl = 'redis://-oProxyCommand=x'\n",
          "redis.url: a host may not begin with '-'");
    named("encoded option for a host", "[redis]\nurl = 'redis://%2Do%3Ax'\n",
          "redis.url: a host may not begin with '-'");
    redis("option through ssh", "through = 'ssh:-oProxyCommand=x'\n",
          "shop.toml:4: redis.through: a host may not begin with '-'");
    redis("option behind a user", "through = 'ssh:u@-oProxyCommand=x'\n",
          "redis.through: a host may not begin with '-'");
    redis("option for a user of ssh", "through = 'ssh:-oProxyCommand=x@h'\n",
          "redis.through: what stands before the '@' is no user");
    redis("option for a sentinel", "sentinel = { names = ['-h'], master = 'm' }\n",
          "redis.sentinel.names: a host may not begin with '-'");
    redis("option for a name", "server_name = '-h'\n", "redis.server_name: a host may not begin with '-'");
    redis("option for a database's host", "[postgresql]\nurl = 'postgresql://u@-h/x'\n",
          "postgresql.url: a host may not begin with '-'");
    redis("option for Docker", "[docker]\nhost = 'tcp://-h:2375'\n", "docker.host: a host may not begin with '-'");
    redis("option for kubectl", "[kubernetes]\ncontext = '--kubeconfig=x'\n",
          "kubernetes.context: it may not begin with '-'");
    redis("option for a proxy", "through = 'socks5:-h:1080'\n", "redis.through: a host may not begin with '-'");
    redis("proxy without port", "through = 'socks5:h'\n", "redis.through: a port is missing");
    redis("proxy with a password", "through = 'http:u:hunter2@h:3128'\n",
          "redis.through: a proxy is named without user");
    redis("port of ssh", "through = 'ssh:h:2222'\n", "redis.through: ssh has its ports in ~/.ssh/config. Write direct");
    redis("no way", "through = 'telnet:h'\n", "redis.through: it is no way to a host. Write direct, ssh:HOST");
    redis("empty way", "through = 'ssh:'\n", "redis.through: it names no host");
    redis("blank in a host", "through = 'ssh:a b'\n", "redis.through: it names no host");
    redis("ca without TLS", "ca = 'x.pem'\n",
          "shop.toml:4: redis.ca: its URL has no TLS. Write rediss:// or https://.");
    named("ca and pin", "[redis]\nurl = 'rediss://h'\nca = 'x'\npin = '" + std::string(64, 'a') + "'\n",
          "shop.toml:5: redis.pin: ca and pin exclude each other");
    named("short pin", "[redis]\nurl = 'rediss://h'\npin = 'AB:CD'\n", "shop.toml:4: redis.pin: it is no fingerprint");
    named("certificate without key", "[redis]\nurl = 'rediss://h'\ncertificate = 'x'\n",
          "shop.toml:4: redis.key: is missing");
    redis("sentinel without master", "sentinel = { names = ['h'] }\n",
          "shop.toml:4: redis.sentinel.master: is missing");
    redis("sentinel twice", "sentinel = { names = ['h', 'h:26379'], master = 'm' }\n",
          "shop.toml:4: redis.sentinel.names: it names h:26379 twice");
    redis("cluster and sentinel", "cluster = true\nsentinel = { names = ['h'], master = 'm' }\n",
          "shop.toml:4: redis.cluster: a cluster has no sentinels");
    redis("celery on a cluster", "cluster = true\n[celery]\n",
          "shop.toml:4: celery: Celery has no broker on a Redis Cluster");
    named("celery alone", "[celery]\nqueues = ['a']\n", "shop.toml:2: celery: it needs [redis], its broker");
    redis("queue twice", "[celery]\nqueues = ['a', 'b', 'a']\n", "shop.toml:5: celery.queues: it names a twice");
    redis("queue with a blank", "[celery]\nqueues = ['a b']\n",
          "celery.queues: a queue's name has 1 to 255 characters");
    redis("steps from one", "[celery]\nsteps = [1, 2]\n", "celery.steps: steps are whole numbers that begin at 0");
    redis("steps back", "[celery]\nsteps = [0, 5, 3]\n", "celery.steps: steps are whole numbers that begin at 0");
    redis("too large bodies", "[celery]\nkeep_bodies = '2GB'\n", "celery.keep_bodies: write a size up to \"1GB\"");
    redis("results without a URL", "[celery]\nresult_ca = 'x'\n", "shop.toml:5: celery.result_url: is missing");
    row("events of a reader", "name = 'a'\nread_only = true\n" + redisPart + "[celery]\nevents = true\n",
        "shop.toml:6: celery.events: read_only forbids it");
    row("control of a reader", "name = 'a'\nread_only = true\n" + redisPart + "[celery]\ncontrol = true\n",
        "shop.toml:6: celery.control: read_only forbids it");
    probe("no http", "ftp://h/", "shop.toml:3: probe.url: it is no http or https URL");
    probe("port", "http://h:99999/", "shop.toml:3: probe.url: the port must be a number from 1 to 65535");
    probe("fragment", "http://h/#a", "probe.url: a '#' in it must be written %23");
    probe("host", "https://-h/", "probe.url: a host may not begin with '-'");
    probe("no host", "https:///x", "probe.url: it names no host");
    probe("user", "https://u:hunter2@h/", "probe.url: it holds a user or a password in clear");
    probe("secret parameter", "https://h/?token=hunter2", "probe.url: it holds a secret in clear among its parameters");
    named("probe slower than its turn", "[[probe]]\nurl = 'http://h/'\nevery = '2s'\ntimeout = '3s'\n",
          "shop.toml:5: probe.timeout: it is longer than every");
    named("status", "[[probe]]\nurl = 'http://h/'\nexpect = 20\n",
          "shop.toml:4: probe.expect: write a whole number from 100");
    named("probe twice", "[[probe]]\nurl = 'http://h/'\n[[probe]]\nurl = 'http://h/'\n",
          "shop.toml:5: probe[2].url: another probe asks the same");
    named("second of two", "[[probe]]\nurl = 'http://h/'\n[[probe]]\nevery = '1s'\nevry = '2s'\n",
          "shop.toml:4: probe[2].url: is missing\nshop.toml:6: probe[2].evry: unknown key; did you mean every?");
    named("map", "[metrics]\nurl = 'http://h/'\nmap = 'django-promtheus'\n",
          "shop.toml:4: metrics.map: there is no such map; did you mean django-prometheus?");
    named("no map of the file", "[metrics]\nurl = 'http://h/'\nmap = 'own'\n[metrics.maps.other]\nerrors = 'e'\n",
          "Use one of django-prometheus, nginx-exporter, prometheus-flask-exporter, statsd, starlette, other");
    named("series", "[metrics]\nurl = 'http://h/'\nmap = 'o'\n[metrics.maps.o]\nerrors = 'a-b'\n",
          "shop.toml:6: metrics.maps.o.errors: it is no name of a series");
    named("server without match", "[metrics]\nurl = 'http://h/'\nmap = 'statsd'\nserver = true\n",
          "shop.toml:5: metrics.match: is missing");
    named("user without password of metrics", "[metrics]\nurl = 'http://h/'\nmap = 'statsd'\nuser = 'u'\n",
          "shop.toml:5: metrics.password: is missing");
    named("listen", redisPart + "[watch]\nlisten = '8081'\n",
          "shop.toml:5: watch.listen: a port is missing. Write ADDR:PORT");
    redis("zone", "[zones.redis_memory]\nred = '900MB'\n", "zones.redis_memory.red is above redis.maxmemory");
    redis("zone that is none", "[zones.redis_memry]\nred = '9MB'\n",
          "shop.toml:5: zones.redis_memry.red: unknown key; did you mean zones.redis_memory.red?");
    redis("threshold", "[zones.redis_memory]\nred = 'much'\n", "shop.toml:5: zones.redis_memory.red: \"much\"");
    named("tier", "tier = 'smal'\n" + redisPart, "shop.toml:2: tier: There is no tier \"smal\"");
    named("quoted keys", "\"redis.url\" = 'redis://h'\n\"metrics.url\" = 'http://h/'\n",
          "shop.toml:2: redis.url: unknown key");
    redis("quoted sentinel", "\"sentinel.master\" = 'm'\n", "shop.toml:4: redis.sentinel.master: unknown key");
    named("sentinel before redis", "[redis.sentinel]\nnames = ['h']\n[redis]\nurl = 'redis://h'\n",
          "shop.toml:2: redis.sentinel.master: is missing");
    redis("wrong, not missing", "password = 'hunter2'\npassword_renew = '1h'\n",
          "shop.toml:4: redis.password: a secret stands");
    redis("date in a table of several", "[[target]]\nid = 2026-01-01\n",
          "shop.toml:5: target.id: dates are not used here");
    redis("date", "password_renew = 2026-01-01\n", "shop.toml:4: redis.password_renew: dates are not used here");

    row("key twice", "name = 'a'\n\"na\\u001bm\" = 1\n\"na\\u001bm\" = 2\n", "shop.toml:3: Error while parsing");
    redis("home in a secret's path", "password = 'file:~/pw'\n",
          "shop.toml:4: redis.password: '~' is for shells. Write the whole path, or one beside this file");
    named("home in a path", "[redis]\nurl = 'rediss://h'\nca = '~/ca.pem'\n",
          "shop.toml:4: redis.ca: '~' is for shells");
    redis("home of the watcher", "[watch]\ndata_dir = '~/data'\n", "shop.toml:5: watch.data_dir: '~' is for shells");
    redis("clear", "password = 'hunter2'\n",
          "shop.toml:4: redis.password: a secret stands here in clear. Write it into a file");
    redis("no secret", "password = ''\n", "shop.toml:4: redis.password: it says nowhere. Write it into a file");
    redis("list for a secret", "password = ['pass', 'hunter2']\n",
          "redis.password: write one value, not a list. Name a program by { command = [\"PROGRAM\", \"ARG\"] }.");
    redis("no variable", "password = 'env:hunter2!'\n", "redis.password: what follows env: is no name of a variable");
    redis("no list", "password = 'command:pass show hunter2'\n", "redis.password: what follows command: is no list");
    redis("open list", "password = 'command:[pass, \"hunter2]'\n", "redis.password: what follows command: is no list");
    redis("no program", "password = 'command:[]'\n", "redis.password: the command names no program");
    redis("relative program", "password = 'command:[./pass]'\n", "redis.password: the program's path is not whole");
    redis("option for a program", "password = 'command:[-c]'\n", "redis.password: it names no program");
    redis("command as text", "password = { command = 'pass' }\n", "redis.password.command: write a list");
    redis("variables alone", "password = { env = ['A'] }\n", "shop.toml:4: redis.password.command: is missing");
    redis("bad variable", "password = { command = ['pass'], env = ['A-B'] }\n", "env names what can be no variables");
    named("password in the URL", "[redis]\nurl = 'redis://:hunter2@h'\n",
          "shop.toml:3: redis.url: it holds a password in clear");
    named("password parameter", "[redis]\nurl = 'redis://h?password=hunter2'\n",
          "redis.url: it holds a password in clear");

    redis("postgresql", "[postgresql]\nurl = 'postgresql://u:hunter2@h/x'\n",
          "shop.toml:5: postgresql.url: it holds a password in clear");
    named("password in the results' URL", redisPart + "[celery]\nresult_url = 'redis://:hunter2@h'\n",
          "shop.toml:5: celery.result_url: it holds a password in clear. Take it out, and say in result_password,");
    redis("scheme that is none", "[postgresql]\nurl = 'postgres//u@h/x'\n",
          "postgresql.url: The database URL has no scheme. Write postgresql://USER@HOST:PORT/NAME.");
    redis("budget of no family", "[budget]\nsesions = '1MB'\n",
          "shop.toml:5: budget.sesions: there is no such family; did you mean sessions?");
    redis("budget of an unknown family", "[budget]\nflags = '1MB'\n",
          "shop.toml:5: budget.flags: there is no such family. Write its patterns under families.");
    redis("no postgresql", "[postgresql]\nurl = 'sqlite:/x'\n", "postgresql.url: it is no postgresql URL");
    redis("pgbouncer", "[pgbouncer]\npassword = 'env:X'\n", "shop.toml:4: pgbouncer.url: is missing");
    redis("workload", "[kubernetes]\nweb = 'web'\n", "kubernetes.web: it names no workload. Write deployment/NAME");
    redis("docker", "[docker]\nhost = 'docker.example'\n", "docker.host: it names no Docker");
    redis("slip in a later part", "[postgresql]\nurl = 'postgresql://h/x'\npasword = 'hunter2'\n",
          "shop.toml:6: postgresql.pasword: unknown key; did you mean password?");
    redis("later secret", "[docker]\nregistry_password = 'hunter2'\n",
          "shop.toml:5: docker.registry_password: a secret stands here in clear");
    redis("later address", "[docker]\nregistry = 'https://u:hunter2@h/'\n",
          "docker.registry: a secret stands here in clear");
    redis("target", "[[target]]\nid = 'x'\nkind = 'kubernets'\n",
          "shop.toml:6: target.kind: there is no such kind of target; did you mean kubernetes?");
    redis("target of a kind", "[[target]]\nid = 'x'\nkind = 'systemd'\n",
          "shop.toml:4: target.unit: is missing: a target of kind systemd has one");
    redis("target of another kind", "[[target]]\nid = 'x'\nkind = 'celery'\nunit = 'y'\n",
          "target.unit: only a target of kind systemd has one");
    redis("target twice", "[[target]]\nid = 'x'\nkind = 'celery'\n[[target]]\nid = 'x'\nkind = 'heroku'\n",
          "shop.toml:8: target[2].id: another target has the same");
    redis("sizes", "[[target]]\nid = 'x'\nkind = 'celery'\nmin = 9\nmax = 8\n", "target.min: it is above max");
    redis("price", "[[target]]\nid = 'x'\nkind = 'celery'\nprice = -1\n",
          "target.price: write a number that is not negative");
    redis("alert", "[[alerts]]\nmetric = 'redis_memory'\nabove = 'much'\n", "alerts.above: write a number, a size");
    redis("mail", "[receivers.ops]\nmail = 'ops'\n", "shop.toml:5: receivers.ops.mail: it is no e-mail address");
}

void WatchMistakesTest::saysWhatIsWrong()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, said);
    const std::string all = mistakesOf(text.toStdString());
    QVERIFY2(all.find(said.toStdString()) != std::string::npos, all.c_str());
    QVERIFY2(all.find("hunter2") == std::string::npos, all.c_str());
    for (const auto &mistake : parseWatchFile(text.toStdString(), "shop.toml", ReadFor::Console).mistakes)
        QCOMPARE(visible(mistake.text()), mistake.text());
}

void WatchMistakesTest::takesWhatIsRight_data()
{
    QTest::addColumn<QByteArray>("text");
    const auto row = [](const char *name, const std::string &rest) {
        QTest::newRow(name) << QByteArray::fromStdString("name = 'shop'\n" + redisPart + rest);
    };
    row("a tier by name", "[zones.redis_connections]\nyellow = 20\nred = 25\n");
    row("no seconds", "password = 'env:X'\npassword_renew = '24h'\n");
    row("longest probe", "[[probe]]\nurl = 'http://[::1]:8080/x?y=z'\nevery = '30s'\ntimeout = '30s'\nexpect = 599\n");
    row("one probe as a table", "[probe]\nurl = 'http://h/'\n");
    row("webhook kept elsewhere", "[receivers.ops]\nwebhook = 'env:HOOK'\n");
    row("budget of a family of the file",
        "[families]\nflags = ['flag:*']\n[budget]\nflags = '1MB'\noverhead = '2MB'\n");
    row("a later key that is not known yet", "[docker]\nswarm = true\n");
    row("a later table that is not known yet", "[kubernetes.limits]\npods = 3\n");
    row("percent in ssh's user", "through = 'ssh:ops@bastion-1.example'\n");
    row("unix socket", "[celery]\nresult_url = 'unix:/run/redis.sock?db=1'\n");
    row("queue of another program", "[celery]\nqueues = ['s:mail', 'unacked2']\n");
}

void WatchMistakesTest::takesWhatIsRight()
{
    QFETCH(QByteArray, text);
    QCOMPARE(mistakesOf(text.toStdString()), std::string());
}

void WatchMistakesTest::saysAllAtOnce()
{
    QCOMPARE(mistakesOf("nam = 'shop'\n[redis]\nurl = 'redis://:hunter2@h'\ncluster = 1\n[celery]\nsteps = []\n"
                        "[[probe]]\n[docker]\nhost = 2026-01-01\n"),
             std::string(
                 "shop.toml: name: is missing\n"
                 "shop.toml:1: nam: unknown key; did you mean name?\n"
                 "shop.toml:3: redis.url: it holds a password in clear. Take it out, and say in password, beside the "
                 "URL, where it is: \"file:PATH\", \"env:NAME\" or \"command:[PROGRAM, ARG]\", in the console also "
                 "\"keychain:NAME\".\n"
                 "shop.toml:4: redis.cluster: write true or false\n"
                 "shop.toml:6: celery.steps: write 1 to 32 steps. Write [0, 3, 6, 9].\n"
                 "shop.toml:7: probe.url: is missing\n"
                 "shop.toml:9: docker.host: dates are not used here; write a string"));
    const auto reading = parseWatchFile("a = 1\nb = 2\n", "shop.toml", ReadFor::Console);
    const Error error = errorOf(reading.mistakes);
    QVERIFY(error.kind == ErrorKind::Invalid && error.code == "watch-file");
    QCOMPARE(std::ranges::count(error.message, '\n'), std::ptrdiff_t(reading.mistakes.size() - 1));
}

void WatchMistakesTest::staysQuick_data()
{
    QTest::addColumn<QByteArray>("line");
    QTest::newRow("unknown keys") << QByteArray("redis_url_of_shop_%1 = 1\n");
    QTest::newRow("tables") << QByteArray("[reddis%1]\n");
    QTest::newRow("probes") << QByteArray("[[probe]]\nurl%1 = 1\n");
    QTest::newRow("families") << QByteArray("[families]\nx%1 = ['a']\n");
    QTest::newRow("arrays") << QByteArray("x%1 = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n");
}

/// What a megabyte says is read, or is too much.
void WatchMistakesTest::staysQuick()
{
    QFETCH(QByteArray, line);
    for (const int most : {4000, 1'000'000}) {
        QByteArray text;
        for (int i = 0; text.size() < 1'000'000 && i < most; ++i)
            text += QByteArray(line).replace("%1", QByteArray::number(i));
        const auto began = std::clock();
        const auto reading = parseWatchFile(text.toStdString(), "shop.toml", ReadFor::Daemon);
        QVERIFY(!reading.mistakes.empty() && reading.mistakes.size() <= 101);
        QVERIFY((std::clock() - began) / CLOCKS_PER_SEC < 5); // of a processor, sanitizers included
    }
}

void WatchMistakesTest::repeatsNoSecret_data()
{
    QTest::addColumn<QByteArray>("key");
    for (const char *key : {"name",
                            "group",
                            "tier",
                            "production",
                            "redis.url",
                            "redis.password",
                            "redis.ca",
                            "redis.pin",
                            "redis.through",
                            "redis.server_name",
                            "redis.connections",
                            "redis.sentinel.master",
                            "celery.prefix",
                            "celery.keep_bodies",
                            "metrics.url",
                            "metrics.token",
                            "metrics.map",
                            "metrics.match",
                            "probe.url",
                            "probe.every",
                            "portal.url",
                            "watch.listen",
                            "postgresql.url",
                            "docker.host",
                            "docker.other",
                            "kubernetes.web",
                            "target.kind",
                            "receivers.a.webhook",
                            "zones.redis_memory.red",
                            "unknown",
                            "unknown.key"})
        QTest::newRow(key) << QByteArray(key);
}

/// Whatever somebody puts in the wrong place.
void WatchMistakesTest::repeatsNoSecret()
{
    QFETCH(QByteArray, key);
    const auto texts = textsWithSecrets();
    for (std::size_t i = 0; i < texts.size(); i += 29) {
        std::string quoted;
        for (const char c : texts[i]) {
            if (c == '"' || c == '\\')
                quoted += '\\';
            quoted += c;
        }
        if (visible(texts[i]) != texts[i]) // no TOML
            continue;
        const bool address = texts[i].find('@') != std::string::npos || texts[i].find("//") != std::string::npos;
        if (!address && (key == "celery.prefix" || key == "metrics.match")) // a name with a colon in it
            continue;
        const auto reading =
            parseWatchFile(key.toStdString() + " = \"" + quoted + "\"\n", "shop.toml", ReadFor::Daemon);
        for (const auto &mistake : reading.mistakes)
            QVERIFY2(mistake.text().find(secretMark) == std::string::npos, mistake.text().c_str());
        for (const auto &given : reading.file.given)
            if (key != "redis.ca")
                QVERIFY2(given.text.find(secretMark) == std::string::npos,
                         (texts[i] + " became " + given.text).c_str());
    }
}

void WatchMistakesTest::refusesTheKeychainInADaemon()
{
    const std::string text = "name = 'a'\n[redis]\nurl = 'redis://h'\npassword = 'keychain:shop'\n";
    QCOMPARE(mistakesOf(text), std::string());
    QCOMPARE(
        mistakesOf(text, ReadFor::Daemon),
        std::string("shop.toml:4: redis.password: keychain: is for the console: portoland has none. Write env:NAME, "
                    "file:PATH or command:[PROGRAM, ARG] instead."));
}

void WatchMistakesTest::runsProgramsOfItsOwnersFileAlone()
{
    const QTemporaryDir folder;
    const QString path = folder.filePath("shop.toml");
    const std::string text =
        "name = 'a'\n[redis]\nurl = 'redis://h'\npassword = 'command:[pass]'\n[[target]]\nid = 'x'\n"
        "kind = 'command'\nread = ['a']\nset = ['b']\n";
    write(path, text, 0644);
    QVERIFY(readWatchFile(path.toStdString(), ReadFor::Daemon).mistakes.empty());
    write(path, text, 0664);
    const auto reading = readWatchFile(path.toStdString(), ReadFor::Daemon);
    QCOMPARE(reading.mistakes.size(), std::size_t(3));
    QCOMPARE(reading.mistakes[0].text(), path.toStdString() + ":4: redis.password: no program of this file is run: " +
                                             path.toStdString() + " can be written by others. Run chmod go-w on it.");
    // Without a program in it, anybody may have written it.
    write(path, "name = 'a'\n[redis]\nurl = 'redis://h'\n", 0666);
    QVERIFY(readWatchFile(path.toStdString(), ReadFor::Daemon).mistakes.empty());
}

void WatchMistakesTest::readsATierBesideIt()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("shop.toml").toStdString();
    write(folder.filePath("shop.toml"), "name = 'a'\ntier = './mine.toml'\n[redis]\nurl = 'redis://h'\n", 0600);
    auto reading = readWatchFile(path, ReadFor::Daemon);
    QCOMPARE(reading.mistakes.size(), std::size_t(1));
    QVERIFY(reading.mistakes[0].text().starts_with(path + ":2: tier: Cannot read "));
    write(folder.filePath("mine.toml"), "name = 'mine'\n[redis]\nmaxmemory = '64MB'\nconnections = 50\n", 0600);
    reading = readWatchFile(path, ReadFor::Daemon);
    QVERIFY(reading.mistakes.empty());
    QCOMPARE(reading.file.tier.redis.connections, 50U);
    write(folder.filePath("mine.toml"), "name = 'mine'\n[redis]\nmaxmemory = '64MB'\nconnections = 50\nx = 1\n", 0600);
    reading = readWatchFile(path, ReadFor::Daemon);
    QVERIFY(reading.mistakes.at(0).text().find("mine.toml:5: redis.x is not a key of a tier") != std::string::npos);
}

void WatchMistakesTest::saysThatThereIsNoFile()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("none.toml").toStdString();
    const auto reading = readWatchFile(path, ReadFor::Console);
    QCOMPARE(reading.mistakes.size(), std::size_t(1));
    QCOMPARE(reading.mistakes[0].text(), path + ": Cannot read " + path + ": No such file or directory");
    const std::string large(1024 * 1024 + 1, '#');
    write(folder.filePath("large.toml"), large, 0600);
    QVERIFY(readWatchFile(folder.filePath("large.toml").toStdString(), ReadFor::Console)
                .mistakes.at(0)
                .text()
                .find("larger") != std::string::npos);
}

QTEST_APPLESS_MAIN(WatchMistakesTest)
#include "watch_mistakes_test.moc"

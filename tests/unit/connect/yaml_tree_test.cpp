// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_file.h"
#include "core/connect/yaml_tree.h"

#include <QElapsedTimer>
#include <QTest>

using namespace portolan;
using namespace portolan::connect;

/// Foreign YAML, within bounds, and what is said of it.
class YamlTreeTest final : public QObject
{
    Q_OBJECT
private slots:
    void refuses_data();
    void refuses();
    void countsWhatAliasesStandFor_data();
    void countsWhatAliasesStandFor();
};

namespace {

ComposeReading readOne(const std::string &text)
{
    return readCompose({{text, "docker-compose.yml", {}}}, {},
                       [](const std::filesystem::path &) -> Result<std::string> {
                           return failure(ErrorKind::NotFound, "nothing is beside it");
                       });
}

std::string sayings(const ComposeReading &reading)
{
    std::string all;
    for (const auto &error : reading.mistakes)
        all.append(inWords(error)).append("\n");
    return all;
}

} // namespace

void YamlTreeTest::refuses_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("says");
    const auto row = [](const char *name, const std::string &text, const char *says) {
        QTest::newRow(name) << text << std::string(says);
    };
    const auto times = [](const std::string &text, int count) {
        std::string all;
        for (int i = 0; i < count; ++i)
            all += text;
        return all;
    };
    row("no YAML", "services:\n  a: [hunter2\nb: c", "docker-compose.yml:3: it is no YAML");
    row("a tab", "services:\n\ta: hunter2\n", "docker-compose.yml:2: it is no YAML");
    row("unknown alias", "services:\n  a: *hunter2\n", "docker-compose.yml:2: it is no YAML");
    row("alias within itself", "services: &a\n  b: *a\n", "docker-compose.yml:2: an alias stands within");
    row("a list", "- hunter2\n", "docker-compose.yml:1: it is no compose file");
    row("Kubernetes", "apiVersion: v1\nkind: Secret\ndata:\n  a: hunter2\n", "it is no compose file");
    row("a program", "services: !!python/object:os.system [hunter2]\n", "docker-compose.yml:1: it has a tag");
    row("a list for a key", "services:\n  ? [hunter2]\n  : b\n", "a key is no text");
    row("merges a text", "services:\n  <<: hunter2\n", "what << merges");
    row("large", "services: {}\n#" + std::string(1024 * 1024, 'x'), "docker-compose.yml: it is larger than 1 MB");
    row("bytes", "services: \xFFhunter2\n", "UTF-8");
    row("51 levels", "services:\n  " + times("[", 50) + times("]", 50), "nested more than 50");
    row("deep", "services:\n  " + times("[", 100'000), "nested more than 50");
    row("deep maps", "services:\n  " + times("{a: ", 60) + times("}", 60), "nested more than 50");
    row("nodes", "services:\n  a: [" + times("x,", 10'000) + "]", "10,000 nodes");
    row("documents", times("--- {services: {}}\n", 21), "20 documents");
    row("a port", "services: {a: {image: a, ports: ['hunter2:80']}}",
        "docker-compose.yml:1: what stands there is no port");
    row("a dollar", "services: {a: {image: 'x${hunter2'}}", "begins no variable");
    row("asked for", "services: {a: {image: '${NAME:?hunter2}'}}", "NAME is asked for");
}

void YamlTreeTest::refuses()
{
    QFETCH(std::string, text);
    QFETCH(std::string, says);
    QElapsedTimer timer;
    timer.start();
    const auto reading = readOne(text);
    QVERIFY2(timer.elapsed() < 2000, std::to_string(timer.elapsed()).c_str());
    QVERIFY(!reading.mistakes.empty());
    const std::string said = sayings(reading);
    QVERIFY2(said.find(says) != std::string::npos, said.c_str());
    QVERIFY2(said.find("hunter2") == std::string::npos, said.c_str());
    QCOMPARE(reading.mistakes.front().code, std::string("compose-file"));
}

void YamlTreeTest::countsWhatAliasesStandFor_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<bool>("fits");
    std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int j = 0; j < 10; ++j)
            laughs += before + ",";
        laughs += "]\n";
    }
    std::string merges = "x0: &x0 {a: b}\n";
    for (int i = 1; i < 40; ++i)
        merges += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " {<<: *x" + std::to_string(i - 1) +
                  ", y: *x" + std::to_string(i - 1) + "}\n";
    std::string anchors = "x: ";
    for (int i = 0; i < 48; ++i)
        anchors += "&a" + std::to_string(i) + " [";
    for (int i = 0; i < 9000; ++i)
        anchors += "x,";
    for (int i = 0; i < 48; ++i)
        anchors += "]";
    QTest::newRow("ten aliases") << std::string("x: &x {a: b}\ny: [*x, *x, *x, *x, *x, *x, *x, *x, *x, *x]\n") << true;
    QTest::newRow("billion laughs") << laughs << false;
    QTest::newRow("doubling merges") << merges << false;
    QTest::newRow("anchors on anchors") << anchors << false;
}

void YamlTreeTest::countsWhatAliasesStandFor()
{
    QFETCH(std::string, text);
    QFETCH(bool, fits);
    QElapsedTimer timer;
    timer.start();
    const auto parsed = parseYaml(text, "docker-compose.yml");
    QCOMPARE(parsed.has_value(), fits);
    if (!fits)
        QVERIFY2(parsed.error().message.find("nodes") != std::string::npos, parsed.error().message.c_str());
    QVERIFY2(timer.elapsed() < 1000, std::to_string(timer.elapsed()).c_str());
}

QTEST_GUILESS_MAIN(YamlTreeTest)
#include "yaml_tree_test.moc"

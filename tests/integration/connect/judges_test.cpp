// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_file.h"
#include "core/connect/env_file.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace portolan::connect;

/// Whose files they are says what they mean: python-dotenv reads the same `.env`, docker compose the same project.
/// Where core/connect/env_file.h follows one of the two only, that is no case here.
class JudgesTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAsPythonDotenv_data();
    void readsAsPythonDotenv();
    void readsAsDockerCompose_data();
    void readsAsDockerCompose();

private:
    static QJsonObject run(const QString &program, const QStringList &arguments, const QByteArray &input,
                           const QString &folder = {});
};

namespace {

constexpr const char *dotenv = R"(
import io, json, sys
from dotenv import dotenv_values
text = io.StringIO(sys.stdin.buffer.read().decode('utf-8-sig'), newline=None)
print(json.dumps(dict(dotenv_values(stream=text))))
)";

/// Of each service its image, command, environment and the ports that the machine has for its own.
constexpr const char *compose = R"(
import json, os, shlex, shutil, subprocess, sys, yaml
tool = shutil.which('docker-compose', path='/usr/bin:/usr/libexec/docker/cli-plugins')
run = subprocess.run([tool] + [a for f in sys.argv[1:] for a in ('-f', f)] + ['config'], capture_output=True, text=True)
if run.returncode:
    sys.exit(run.stderr)
made = {}
for name, service in yaml.safe_load(run.stdout)['services'].items():
    environment = service.get('environment') or {}
    if isinstance(environment, list):
        environment = dict(item.split('=', 1) for item in environment if '=' in item)
    command = service.get('command') or []
    ports = {}
    for port in service.get('ports') or []:
        if isinstance(port, dict):
            inside, outside = port['target'], port.get('published')
        else:
            outside, inside = (str(port).split('/')[0].split(':') + [None])[-3:-1] if ':' not in str(port) else \
                str(port).split('/')[0].split(':')[-2:]
        if outside:
            ports[str(inside)] = str(outside)
    # what is left of a '$' is written twice there, to be read again
    once = lambda text: str(text).replace('$$', '$')
    made[name] = {'image': once(service.get('image', '')),
                  'command': [once(word) for word in (shlex.split(command) if isinstance(command, str) else command)],
                  'environment': {key: once(value) for key, value in environment.items() if value is not None},
                  'ports': ports}
print(json.dumps(made))
)";

QJsonObject ours(const ComposeReading &reading)
{
    QJsonObject all;
    for (const auto &service : reading.services) {
        QJsonObject environment, ports;
        for (const auto &variable : service.variables)
            if (variable.value)
                environment[QString::fromStdString(variable.name)] =
                    QString::fromStdString(std::string(variable.value->reveal()));
        for (const auto &port : service.ports)
            if (port.host)
                ports[QString::number(port.container)] = QString::number(*port.host);
        QJsonArray command;
        for (const auto &word : service.command)
            command.append(QString::fromStdString(std::string(word.reveal())));
        all[QString::fromStdString(service.name)] = QJsonObject{{"image", QString::fromStdString(service.image)},
                                                                {"command", command},
                                                                {"environment", environment},
                                                                {"ports", ports}};
    }
    return all;
}

QByteArray shown(const QJsonObject &object) { return QJsonDocument(object).toJson(QJsonDocument::Indented); }

} // namespace

QJsonObject JudgesTest::run(const QString &program, const QStringList &arguments, const QByteArray &input,
                            const QString &folder)
{
    QProcess process;
    QProcessEnvironment environment; // theirs may come from there; nothing is
    environment.insert("PATH", "/usr/bin:/bin");
    environment.insert("HOME", "/nonexistent");
    process.setProcessEnvironment(environment);
    if (!folder.isEmpty())
        process.setWorkingDirectory(folder);
    process.start(program, arguments);
    if (!process.waitForStarted(5000))
        return {};
    process.write(input);
    process.closeWriteChannel();
    if (!process.waitForFinished(60'000) || process.exitCode() != 0)
        qWarning("%s", process.readAllStandardError().constData());
    return QJsonDocument::fromJson(process.readAllStandardOutput()).object();
}

void JudgesTest::readsAsPythonDotenv_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::newRow("Flask") << QByteArray(R"(# the shop
FLASK_ENV=production
SECRET_KEY='a$ecret #1'
REDIS_URL=redis://:p%40ss@redis:6379/0 # the broker
export CELERY_BROKER_URL=${REDIS_URL}
  CELERY_RESULT_BACKEND  =  "redis://redis:6379/1"   # results
EMPTY=
NAMED
QUOTED=""
LAST=x)");
    QTest::newRow("Windows") << QByteArray("\xEF\xBB\xBF"
                                           "A=1\r\nB=\"two\r\nlines\"\r\nC=3\r\n");
    QTest::newRow("quotes") << QByteArray(R"(A="say \"hi\"\tand\nbye \\ \q"
B='it\'s so \n'
C=it's
D=say "hi"
E="it's"
F='say "hi"'
'G'=quoted name
H="# no comment" # one
I=# a value
J=a#b
K=a #b
L=" blanks "
M=	tab	
)");
    QTest::newRow("lines") << QByteArray(R"(KEY="-----BEGIN RSA-----
abc=
-----END RSA-----
"
B='one
two'
C=3
)");
    QTest::newRow("variables") << QByteArray(R"(HOST=h
PORT=6379
URL=redis://${HOST}:${PORT}/0
DEFAULT=${NONE:-d}
SET=${HOST:-d}
QUOTED="${HOST}!"
NONE_AT_ALL=[${NONE}]
LATER=${BEHIND:-not yet}
BEHIND=x
MONEY=5$
HOME=$
WAY=${WAY}:x
)");
    QTest::newRow("odd") << QByteArray(
        "A==\nB=a=b=c\nC='a'\nD=\"\"\n\n\n#\n # x\nE.F=1\nG-H=2\nA=again\nUMLAUT=\xC3\xA4\n");
}

void JudgesTest::readsAsPythonDotenv()
{
    QFETCH(QByteArray, text);
    const QJsonObject theirs = run("/usr/bin/python3", {"-c", dotenv}, text);
    QVERIFY2(!theirs.isEmpty(), "no python3-dotenv");
    const EnvReading reading = readEnv({text.constData(), std::size_t(text.size())}, ".env");
    QVERIFY2(reading.mistakes.empty(), reading.mistakes.empty() ? "" : inWords(reading.mistakes.front()).c_str());
    QJsonObject made;
    for (const auto &variable : reading.variables)
        made[QString::fromStdString(variable.name)] =
            variable.value ? QJsonValue(QString::fromStdString(std::string(variable.value->reveal()))) : QJsonValue();
    QVERIFY2(made == theirs, shown(made) + shown(theirs));
}

void JudgesTest::readsAsDockerCompose_data()
{
    QTest::addColumn<QStringList>("files"); // names and texts in turn; what ends in .yml is compose's
    QTest::newRow("a project") << QStringList{"docker-compose.yml",
                                              R"(
version: "3.7"
x-env: &env
  REDIS_URL: redis://:${REDIS_PASSWORD}@redis:6379/0
  DEBUG: "false"
services:
  web:
    image: shop:${TAG:-latest}
    command: gunicorn -b 0.0.0.0:8000 "shop:make app"
    environment:
      <<: *env
      WORKERS: 4
      PRICE: 5$$
    env_file: [one.env, two.env]
    ports: ["8000:8000", "127.0.0.1:9000:9001"]
  worker:
    image: shop
    command: ["celery", "-A", "shop", "worker", "-n", "w@$$HOSTNAME"]
    environment:
      - A=b=c
      - GIVEN
      - EMPTY=
      - REDIS_URL=${NONE-none}${REDIS_PASSWORD:-x}
  redis:
    image: redis:7
    command: redis-server --requirepass ${REDIS_PASSWORD}
    ports:
      - target: 6379
        published: 6380
        protocol: tcp
)",
                                              ".env",
                                              "REDIS_PASSWORD=hunter2\nGIVEN=given\n",
                                              "one.env",
                                              "ONE=1\nBOTH=one\n# c\n",
                                              "two.env",
                                              "TWO='2'\nBOTH=two\nDEBUG=of the file\n"};
    QTest::newRow("several files") << QStringList{"base.yml", R"(
version: "3.7"
services:
  a:
    image: one
    command: [run, this]
    environment: {A: "1", B: "2"}
    ports: ["1:1"]
  b: {image: b}
)",
                                                  "over.yml", R"(
version: "3.7"
services:
  a:
    image: two
    command: that one
    environment: ["B=3", "C=4"]
    ports: ["2:2"]
  c: {image: c, environment: {D: }}
)"};
}

void JudgesTest::readsAsDockerCompose()
{
    QFETCH(QStringList, files);
    QTemporaryDir folder;
    QStringList arguments{"-c", compose};
    std::vector<ComposeText> given;
    Variables variables;
    for (qsizetype i = 0; i < files.size(); i += 2) {
        QFile file(folder.filePath(files[i]));
        QVERIFY(file.open(QFile::WriteOnly));
        file.write(files[i + 1].toUtf8());
        const std::string text = files[i + 1].toStdString();
        if (files[i] == ".env")
            variables = readEnv(text, ".env").variables;
        if (!files[i].endsWith(".yml"))
            continue;
        arguments << files[i];
        given.push_back({text, files[i].toStdString(), folder.path().toStdString()});
    }
    const QJsonObject theirs = run("/usr/bin/python3", arguments, {}, folder.path());
    QVERIFY2(!theirs.isEmpty(), "no docker-compose");
    const BesideReader beside = [](const std::filesystem::path &path) -> Result<std::string> {
        QFile file(QString::fromStdString(path.string()));
        if (!file.open(QFile::ReadOnly))
            return failure(ErrorKind::NotFound, "not there");
        return file.readAll().toStdString();
    };
    const auto reading = readCompose(given, variables, beside);
    QVERIFY2(reading.mistakes.empty(), reading.mistakes.empty() ? "" : inWords(reading.mistakes.front()).c_str());
    const QJsonObject made = ours(reading);
    QVERIFY2(made == theirs, shown(made) + shown(theirs));
}

QTEST_GUILESS_MAIN(JudgesTest)
#include "judges_test.moc"

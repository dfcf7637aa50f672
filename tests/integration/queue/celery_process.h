// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/redis_server_fixture.h"

#include <boost/json/parse.hpp>

#include <QProcess>
#include <map>
#include <memory>
#include <stdexcept>

namespace portolan {

struct KillFirst
{
    void operator()(QProcess *process) const
    {
        process->kill();
        process->waitForFinished(5'000);
        delete process;
    }
};
using Process = std::unique_ptr<QProcess, KillFirst>;

/// /usr/bin/python3 of the distribution, which has the celery package; in the folder of celery_app.py. `more`: of its
/// environment.
inline Process python(const RedisServerFixture &server, const QStringList &arguments,
                      const std::map<QString, QString> &more = {})
{
    Process process(new QProcess);
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("QUEUE_TEST_URL", QString::fromStdString(server.url() + "/0"));
    environment.insert("PYTHONDONTWRITEBYTECODE", "1");
    environment.insert("C_FORCE_ROOT", "1");
    for (const auto &[name, value] : more)
        environment.insert(name, value);
    process->setProcessEnvironment(environment);
    process->setWorkingDirectory(SOURCES);
    process->setProcessChannelMode(QProcess::MergedChannels);
    process->start("setpriv", QStringList{"--pdeathsig", "KILL", "/usr/bin/python3"} + arguments);
    return process;
}

/// The JSON on the last line a script printed.
inline boost::json::object lastLine(QProcess &process)
{
    if (!process.waitForFinished(90'000) || process.exitCode() != 0)
        throw std::runtime_error("the script failed: " + process.readAll().toStdString());
    const QByteArray line = process.readAll().trimmed().split('\n').last();
    return boost::json::parse(line.toStdString()).as_object();
}

} // namespace portolan

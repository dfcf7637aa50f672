// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/embedded_portal.h"

#include "tests/fakes/audit_file.h"
#include "tests/fakes/await.h"
#include "tests/gui/console_window.h"
#include "ui/words/why_words.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <QEventLoop>
#include <QFile>
#include <QTimer>
#include <cstring>
#include <stdexcept>

namespace portolan::ui {

namespace {

constexpr std::chrono::seconds patience{30};

QByteArray contentOf(const QString &path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void require(const std::optional<Error> &error)
{
    if (error)
        throw std::runtime_error(inWords(*error));
}

template <class T> void require(const Result<T> &result)
{
    require(result ? std::nullopt : std::optional(result.error()));
}

} // namespace

EmbeddedPortal::EmbeddedPortal(std::vector<std::pair<std::string, std::string>> more,
                               const std::function<void(const QDir &directory)> &before)
    : m_stack(sources(std::move(more)), m_clock)
{
    if (before)
        before(QDir(m_directory.path()));
    require(await(m_stack.start(m_stack.settings())));
    seed();
    nextSample();
}

void EmbeddedPortal::seed()
{
    AnsweringConfirmer yes;
    const Shown shown(m_stack.deployment(), &m_stack);
    ActionGate gate(shown, yes, {});
    std::optional<bool> worked;
    gate.run(StackCommand(SeedStack{.privileged = true}), [&worked](bool did) { worked = did; });
    const int most = int(std::chrono::milliseconds(patience).count());
    if (!QTest::qWaitFor([&] { return worked.has_value(); }, most) || !*worked)
        throw std::runtime_error("the portal could not be seeded");
}

EmbeddedPortal::~EmbeddedPortal()
{
    for (const int socket : m_strangers)
        ::close(socket);
}

SettingSources EmbeddedPortal::sources(std::vector<std::pair<std::string, std::string>> more) const
{
    SettingSources told;
    told.commandLine = {{"data_dir", m_directory.path().toStdString()}, {"listen", "127.0.0.1:0"}};
    for (auto &one : more)
        told.commandLine.push_back(std::move(one));
    return told;
}

void EmbeddedPortal::nextSample()
{
    QEventLoop loop;
    bool came = false;
    QObject::connect(&m_stack.deployment(), &Deployment::sampled, &loop, [&] {
        came = true;
        loop.quit();
    });
    QTimer::singleShot(patience, &loop, &QEventLoop::quit);
    loop.exec();
    if (!came)
        throw std::runtime_error("no sample came: " + linkText(m_stack.deployment().linkReason()).toStdString());
}

std::vector<AuditEntry> EmbeddedPortal::audit() { return auditOf(m_directory.filePath("portal.db")); }

int EmbeddedPortal::connectToRedis() const
{
    const QByteArray path = contentOf(m_directory.filePath("redis.socket"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.isEmpty() || std::size_t(path.size()) >= sizeof address.sun_path)
        throw std::runtime_error("the private Redis has left no socket");
    std::memcpy(address.sun_path, path.constData(), std::size_t(path.size()) + 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("the private Redis: ") + std::strerror(errno));
    return socket;
}

QString EmbeddedPortal::strangers()
{
    constexpr std::string_view hello = "CLIENT SETNAME stranger\r\n";
    for (int i = 0; i < 6; ++i) {
        m_strangers.push_back(connectToRedis());
        char answer[16];
        if (::send(m_strangers.back(), hello.data(), hello.size(), MSG_NOSIGNAL) != ssize_t(hello.size()) ||
            ::recv(m_strangers.back(), answer, sizeof answer, 0) <= 0)
            throw std::runtime_error("a stranger could not give its name");
    }
    return "stranger";
}

std::string EmbeddedPortal::otherDatabase() const { return "sqlite:" + m_directory.filePath("other.db").toStdString(); }

pid_t EmbeddedPortal::redis() const
{
    const auto processes = QDir("/proc").entryList({"[0-9]*"}, QDir::Dirs);
    for (const QString &process : processes) {
        const QByteArray stat = contentOf("/proc/" + process + "/stat"); // pid (name) state parent …
        const auto rest = stat.mid(stat.lastIndexOf(')') + 2).split(' ');
        if (stat.contains("(redis-server)") && rest.size() > 1 && rest[0] != "Z" && rest[1].toInt() == ::getpid())
            return process.toInt();
    }
    return 0;
}

std::unique_ptr<PortalUnderTest> makePortal() { return std::make_unique<EmbeddedPortal>(); }

} // namespace portolan::ui

// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/file_job.h"

#include "core/api/post_to.h"

#include <QCoreApplication>
#include <QDir>
#include <QSaveFile>

namespace portolan::ui {

namespace {

Error notWritten(const QString &path, const QString &why)
{
    return failure(ErrorKind::Unavailable,
                   FileJob::tr("%1 could not be written: %2.").arg(QDir::toNativeSeparators(path), why).toStdString(),
                   FileJob::tr("Save it in another folder.").toStdString());
}

Result<void> writeWhole(const QString &path, const FileWriter &writer, const Going &going)
{
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly))
        return notWritten(path, file.errorString());
    // Leaving without a commit leaves what was there.
    const bool written = writer(file, going);
    if (!going(1))
        return failure(ErrorKind::Cancelled, FileJob::tr("Nothing was saved.").toStdString());
    if (!written || !file.commit())
        return notWritten(path, file.errorString());
    return {};
}

} // namespace

FileJob::FileJob(QString path, FileWriter writer, QObject *parent) : QObject(parent), m_path(std::move(path))
{
    // Events go to this object only while its thread runs, and it outlives the thread.
    const Going going = [this, cancelled = m_cancelled, last = std::make_shared<int>(-1)](double part) {
        const int percent = int(part * 100);
        if (percent != *last) {
            *last = percent;
            postTo(this, [this, percent] { emit progressed(percent); });
        }
        return !cancelled->load();
    };
    m_thread.reset(QThread::create([this, path = m_path, writer = std::move(writer), going] {
        const auto result = writeWhole(path, writer, going);
        postTo(this, [this, result] { emit finished(result); });
    }));
    m_thread->setObjectName("file");
    m_thread->start();
}

void FileJob::leave(std::unique_ptr<FileJob> job)
{
    FileJob *left = job.release();
    left->disconnect();
    left->cancel();
    left->setParent(QCoreApplication::instance());
    connect(left, &FileJob::finished, left, &QObject::deleteLater);
}

FileJob::~FileJob()
{
    cancel();
    m_thread->wait();
}

} // namespace portolan::ui

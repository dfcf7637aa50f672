// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <QObject>
#include <QThread>
#include <atomic>
#include <functional>
#include <memory>

class QIODevice;

namespace portolan::ui {

/// Told how far a writer is (0–1); false: stop, it is not wanted any more.
using Going = std::function<bool(double part)>;
/// Writes the content of a file. Runs on a thread of its own, so it owns all it reads. False: it was told to stop, or
/// the file did not take it and says why.
using FileWriter = std::function<bool(QIODevice &file, const Going &going)>;

/// Writes one file off the GUI thread, whole or not at all: until it is there an older file of that name stays.
class FileJob final : public QObject
{
    Q_OBJECT

public:
    FileJob(QString path, FileWriter writer, QObject *parent = nullptr); ///< begins at once
    ~FileJob() override;                                                 ///< gives it up, if it is still going on

    const QString &path() const { return m_path; }
    /// Gives it up without waiting for its thread: some of what writes a file cannot be told to stop. It is gone once
    /// that has ended, at the latest with the application; nobody is told any more. GUI thread.
    static void leave(std::unique_ptr<FileJob> job);
    void cancel() { m_cancelled->store(true); } ///< ends with the error Cancelled, unless it is just done

signals:
    void progressed(int percent);
    void finished(const portolan::Result<void> &result); ///< once

private:
    const QString m_path;
    std::shared_ptr<std::atomic<bool>> m_cancelled = std::make_shared<std::atomic<bool>>(false);
    std::unique_ptr<QThread> m_thread;
};

} // namespace portolan::ui

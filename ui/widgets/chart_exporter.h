// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/page.h"
#include "ui/widgets/time_chart.h"

#include <QProgressBar>
#include <functional>
#include <memory>

namespace portolan::ui {

class FileJob;
class FlatButton;
class ReportPainter;

/// What an export is of.
struct ExportSource
{
    QString title;
    std::vector<Metric> metrics;
    std::vector<const TimeChart *> charts;
    WallTime from{};
    WallTime to{};
    QString note = {}; ///< what is to be known of its figures, and is not in them
};

enum class ExportFormat { Csv, Png, Pdf };

/// Hands charts on as a file: what they show as a picture or a document, or all that is kept of their time as figures.
/// One at a time. Hidden but while a file is written: then it says how far it is, and takes back.
class ChartExporter final : public QWidget
{
    Q_OBJECT

public:
    explicit ChartExporter(const PageContext &context, QWidget *parent = nullptr);
    ~ChartExporter() override;

    Allowance allowed(const ExportSource &source) const;
    /// Asks where to, writes, and tells how it ended.
    void start(ExportFormat format, ExportSource source);
    void cancel();

signals:
    void busyChanged();

private:
    void abandon(); ///< nobody is told
    void askFigures(const QString &path, const ExportSource &source);
    void paint(const QString &path, ExportFormat format, const std::shared_ptr<ReportPainter> &picture);
    void write(const QString &path, std::function<bool(QIODevice &, const std::function<bool(double)> &)> writer);
    void end(const QString &sentence, bool worked);
    QString withNote(const QString &sentence) const;
    void setBusy(bool busy);

    PageContext m_context;
    QProgressBar *m_progress;
    FlatButton *m_cancel;
    std::unique_ptr<FileJob> m_job;
    QString m_note; ///< of the figures that are being written
    bool m_busy = false;
    std::uint64_t m_round = 0; ///< answers to an export that was taken back are too late
};

QString exportTitle(ExportFormat format); ///< "Export as CSV …"

} // namespace portolan::ui

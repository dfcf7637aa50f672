// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart_exporter.h"

#include "ui/support/file_job.h"
#include "ui/support/format.h"
#include "ui/support/on_answer.h"
#include "ui/support/series_csv.h"
#include "ui/widgets/chart_report.h"
#include "ui/widgets/flat_button.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QDir>
#include <QFileInfo>
#include <QFuture>
#include <QHBoxLayout>
#include <QPointer>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTimer>
#include <algorithm>
#include <utility>

namespace portolan::ui {

namespace {

constexpr auto folderKey = "export/folder";
constexpr std::uint32_t mostPoints = 1'000'000; ///< of HistoryQuery

struct FormatKind
{
    ExportFormat format;
    const char *name;
    const char *filter;
    const char *suffix;
};

constexpr FormatKind formats[]{
    {ExportFormat::Csv, "CSV", QT_TRANSLATE_NOOP("export", "Comma-separated values (*.csv)"), ".csv"},
    {ExportFormat::Png, "PNG", QT_TRANSLATE_NOOP("export", "Pictures (*.png)"), ".png"},
    {ExportFormat::Pdf, "PDF", QT_TRANSLATE_NOOP("export", "Documents (*.pdf)"), ".pdf"},
};

const FormatKind &kindOf(ExportFormat format) { return *std::ranges::find(formats, format, &FormatKind::format); }

/// "demo-portal-redis-memory-20261124-1403.csv"
QString fileName(const QString &deployment, const QString &title, WallTime to, const char *suffix)
{
    static const QRegularExpression odd("[^\\p{L}\\p{N}]+");
    QString name = (deployment.left(40) + ' ' + title.left(40)).toLower().replace(odd, "-");
    while (name.startsWith('-'))
        name.remove(0, 1);
    while (name.endsWith('-'))
        name.chop(1);
    const QDateTime at = QDateTime::fromSecsSinceEpoch(std::chrono::system_clock::to_time_t(to));
    return name + at.toString("-yyyyMMdd-HHmm") + suffix;
}

} // namespace

QString exportTitle(ExportFormat format) { return ChartExporter::tr("Export as %1 …").arg(kindOf(format).name); }

ChartExporter::ChartExporter(const PageContext &context, QWidget *parent)
    : QWidget(parent), m_context(context), m_progress(new QProgressBar), m_cancel(new FlatButton)
{
    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    m_progress->setRange(0, 100);
    m_progress->setAccessibleName(tr("Progress of the export"));
    m_progress->setFixedWidth(fontMetrics().height() * 8);
    m_cancel->setText(tr("Cancel"));
    m_cancel->setAccessibleName(tr("Cancel the export"));
    connect(m_cancel, &QAbstractButton::clicked, this, &ChartExporter::cancel);
    layout->addWidget(m_progress);
    layout->addWidget(m_cancel);
    hide();
    connect(&context.shown, &Shown::over, this, &ChartExporter::abandon);
}

ChartExporter::~ChartExporter()
{
    if (m_job)
        FileJob::leave(std::move(m_job));
}

Allowance ChartExporter::allowed(const ExportSource &source) const
{
    if (m_busy)
        return {false, tr("An export is under way.")};
    if (std::ranges::none_of(source.charts, &TimeChart::hasData))
        return {false, tr("There is nothing to export: no data for this time.")};
    return {};
}

void ChartExporter::setBusy(bool busy)
{
    m_busy = busy;
    m_progress->setValue(0);
    setVisible(busy);
    emit busyChanged();
}

void ChartExporter::start(ExportFormat format, ExportSource source)
{
    if (const Allowance allowance = allowed(source); !allowance.available)
        return m_context.tell(allowance.reason, false);
    setBusy(true);
    m_note.clear();
    const FormatKind &kind = kindOf(format);
    const DeploymentInfo info = m_context.shown.deployment().info();
    const QString folder =
        m_context.settings.value(folderKey, QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation))
            .toString();
    // A picture is of what is seen now, however long somebody looks for a folder.
    const ChartReport report{source.title, text(info.name),        source.from,
                             source.to,    m_context.clock.wall(), source.charts};
    std::shared_ptr<ReportPainter> picture;
    if (format != ExportFormat::Csv)
        picture = std::make_shared<ReportPainter>(
            report, format == ExportFormat::Png ? ReportPainter::Medium::Image : ReportPainter::Medium::Document);
    const SaveQuestion question{exportTitle(format), folder,
                                fileName(text(info.name), source.title, source.to, kind.suffix),
                                QCoreApplication::translate("export", kind.filter), window()};
    const auto answer = [=, self = QPointer<ChartExporter>(this), round = ++m_round](const QString &path) {
        if (!self || round != self->m_round)
            return;
        if (path.isEmpty())
            return self->setBusy(false);
        self->m_context.settings.setValue(folderKey, QFileInfo(path).absolutePath());
        if (format == ExportFormat::Csv)
            self->askFigures(path, source);
        else
            self->paint(path, format, picture);
    };
    m_context.askWhereToSave(question, answer);
}

void ChartExporter::askFigures(const QString &path, const ExportSource &source)
{
    HistoryQuery query{source.metrics, source.from, source.to, mostPoints};
    onAnswer(this, m_context.shown.deployment().ask(HistoryQuestion{query}),
             [this, path, source, round = m_round](const Result<std::vector<Series>> &answer) {
                 if (round != m_round || !m_busy)
                     return;
                 if (!answer)
                     return end(errorText(answer.error()), false);
                 m_note = source.note;
                 write(path,
                       [series = *answer, from = source.from, to = source.to](QIODevice &file, const Going &going) {
                           return writeCsv(file, series, from, to, going);
                       });
             });
}

void ChartExporter::paint(const QString &path, ExportFormat format, const std::shared_ptr<ReportPainter> &picture)
{
    if (picture->paintNext()) { // the next one is not before what else there is to do
        QTimer::singleShot(0, this, [this, path, format, picture, round = m_round] {
            if (round == m_round && m_busy)
                paint(path, format, picture);
        });
        return;
    }
    if (format == ExportFormat::Png)
        write(path, [image = picture->image()](QIODevice &file, const Going &) { return image.save(&file, "PNG"); });
    else
        write(path,
              [document = picture->document()](QIODevice &file, const Going &) { return file.write(document) >= 0; });
}

void ChartExporter::write(const QString &path, std::function<bool(QIODevice &, const Going &)> writer)
{
    m_job = std::make_unique<FileJob>(path, std::move(writer));
    connect(m_job.get(), &FileJob::progressed, m_progress, &QProgressBar::setValue);
    connect(m_job.get(), &FileJob::finished, this, [this, path](const Result<void> &result) {
        m_job.release()->deleteLater(); // it is the one that says so
        if (result)
            end(withNote(tr("Saved as %1.").arg(QDir::toNativeSeparators(path))), true);
        else if (result.error().kind == ErrorKind::Cancelled)
            end(tr("The export was cancelled; no file was changed."), true);
        else
            end(errorText(result.error()), false);
    });
}

/// A picture shows it; figures do not.
QString ChartExporter::withNote(const QString &sentence) const
{
    return m_note.isEmpty() ? sentence : sentence + ' ' + m_note + '.';
}

void ChartExporter::end(const QString &sentence, bool worked)
{
    setBusy(false);
    m_context.tell(sentence, worked);
}

void ChartExporter::abandon()
{
    ++m_round;
    if (m_job)
        m_job->cancel();
}

void ChartExporter::cancel()
{
    if (m_job)
        return m_job->cancel(); // it says when it has ended
    if (!m_busy)
        return;
    ++m_round;
    end(tr("The export was cancelled; no file was changed."), true);
}

} // namespace portolan::ui

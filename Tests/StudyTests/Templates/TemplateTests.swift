import Cohort
import Testing

@testable import Study

/// Templates of study files.
@Suite struct TemplateTests {
  @Test(arguments: StudyTemplate.allCases) func everyTemplateIsAStudy(_ template: StudyTemplate)
    throws
  {
    let text = template.text(study: "my-study")
    let plan = try StudyPlan(yaml: text, file: "study.yaml")
    #expect(plan.id == "my-study" && (plan.records != nil) == template.startsFromRecords)
    #expect(plan.cohort.features.count >= 8 && plan.models.count == 2)
    #expect(plan.privacy.minimumCell == 10 && plan.privacy.minimumSites == 3)
    #expect(!template.summary.isEmpty && text.contains("--template \(template.rawValue)"))
    // Explained: every section begins with a remark.
    #expect(text.split(separator: "\n").count { $0.hasPrefix("#") } >= 8)
    if let recipe = plan.records {
      // Nothing that a study does not use, and every clinical variable with its codes.
      for variable in recipe.variables where variable.clinical != nil {
        #expect(variable.codes.count >= 1)
      }
      let named = Set(
        recipe.features.map(\.measure.variable) + recipe.criteria.map(\.measure.variable)
          + [
            recipe.birth, recipe.death, recipe.outcome?.variable, recipe.outcome?.followUpVariable,
          ]
          .compactMap { $0 })
      var index: Set<String> = []
      if case .event(let variable, _) = recipe.index.anchor { index = [variable] }
      #expect(Set(recipe.variables.map(\.name)).subtracting(named).subtracting(index).isEmpty)
    }
  }

  @Test func theirNamesAreTheirCommands() {
    #expect(
      StudyTemplate.allCases.map(\.rawValue) == [
        "readmission-30d", "icu-mortality-24h", "sepsis-6h", "heart-disease", "cancer-survival",
      ])
    #expect(StudyTemplate(rawValue: "stroke") == nil)
  }
}
